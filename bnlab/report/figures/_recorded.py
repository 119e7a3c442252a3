"""Rows of layers.csv for the figures of diagnostics, from the complete runs that represent each condition."""

from collections.abc import Iterable

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.interface import Missing

KINDS = ("before_act", "after_act", "hidden", "cell")  # activations are drawn at the first of these that was recorded


def recorded(frame: Frame, *diagnostics: str) -> pd.DataFrame:
    """Return place, lr, seed, run_id, step, site, depth, kind, diagnostic, index, value, in the order of recording.

    Depth and kind are missing if a row does not belong to a single site.
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
    """Return the rows at the kind of site that represents a unit: the first of `KINDS` that was recorded."""
    known = list(rows["kind"].dropna().unique())
    kind = next((kind for kind in KINDS if kind in known), known[0] if known else None)
    return rows[rows["kind"] == kind]


def missing(what: str, ask: str) -> Missing:
    """Return that nothing was recorded, and the setting that records it."""
    return Missing(f"no complete run has recorded {what}: train with {ask}", again=True)


def vanished(frame: Frame, places: Iterable[int]) -> str:
    """Return caption text on those conditions that did not learn, whose values mislead; "" if all learned."""
    names = [
        frame.conditions[place].label for place in sorted(set(places)) if frame.sensitivity[place].learned is False
    ]
    if not names:
        return ""
    return (
        "Small values of a net that did not learn come from a vanished gradient: they do not indicate a smooth "
        f"loss or little shift ({', '.join(names)}). "
    )


def silent(frame: Frame, places: Iterable[int]) -> str:
    """Return caption text on the finished conditions that have nothing to draw; "" if each of them is drawn."""
    names = [frame.conditions[place].label for place in frame.finished if place not in set(places)]
    return f"Not recorded by any complete run: {', '.join(names)}. " if names else ""
