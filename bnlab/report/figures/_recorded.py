"""Rows of layers.csv for the figures of diagnostics: of the complete runs that stand for each condition."""

from collections.abc import Iterable

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.parts import Missing

KINDS = ("before_act", "after_act", "hidden", "cell")  # activations are drawn at the first of these that was recorded


def recorded(frame: Frame, *diagnostics: str) -> pd.DataFrame:
    """place, lr, seed, run_id, step, site, depth, kind, diagnostic, index, value; in the order they were recorded.

    Depth and kind are missing where a row belongs to no single site.
    """
    layers = frame.table("layers")
    return joined(frame, layers[layers["diagnostic"].isin(diagnostics)])


def joined(frame: Frame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows (run_id, site, …) of the runs that represent a condition, with place, lr, seed, depth and kind.

    Rows at a site that sites.csv lacks, because that file is lost or damaged, are left out.
    """
    runs = pd.concat([frame.runs.iloc[:0], *(frame.at_shown(place) for place in frame.finished)])
    facts = runs[["run_id", "condition", "lr", "seed"]].rename(columns={"condition": "place"})
    sites = frame.table("sites")[["run_id", "site", "depth", "kind"]]
    mine = rows[rows["run_id"].isin(facts["run_id"])]
    found = mine.merge(sites, how="left", on=["run_id", "site"])
    known = found["kind"].notna() | found["site"].isna() | found["site"].eq("")
    return found[known].merge(facts, on="run_id")


def at_one_kind(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows at the kind of site that stands for all of a unit: the first of `KINDS` that was recorded."""
    known = list(rows["kind"].dropna().unique())
    kind = next((kind for kind in KINDS if kind in known), known[0] if known else None)
    return rows[rows["kind"] == kind]


def missing(what: str, ask: str) -> Missing:
    """That nothing was recorded, and what to ask a run for."""
    return Missing(f"no complete run has recorded {what}: ask for {ask}", again=True)


def vanished(frame: Frame, places: Iterable[int]) -> str:
    """For captions: which of these conditions did not learn, and what their small numbers mean; "" where all did."""
    names = [
        frame.conditions[place].label for place in sorted(set(places)) if frame.sensitivity[place].learned is False
    ]
    if not names:
        return ""
    return (
        "Small numbers of a net that did not learn come from a gradient that vanished: they are no sign of a smooth "
        f"loss or of little shift ({', '.join(names)}). "
    )


def silent(frame: Frame, places: Iterable[int]) -> str:
    """For captions: the finished conditions that have nothing to draw; "" where each of them is drawn."""
    names = [frame.conditions[place].label for place in frame.finished if place not in set(places)]
    return f"No complete run has recorded it: {', '.join(names)}. " if names else ""
