"""Consistency checks of runs' tables whose single values are valid.

A repeated step, or a bin that ends before it begins, comes from manual edits, merges or a broken disk. The table of
such a run is left out and named; all other runs, and the run's other tables, are kept.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bnlab.report.stats.estimate import LARGEST

# Diagnostics whose index is a number: a percentile, the rate of a probe, a time step.
_NUMBERED = ("activation_percentile", "unit_percentile", "landscape_loss", "gradient_distance", "grad_through_time")
_WHOLE = {"step", "examples", "n", "depth", "count"}

_Faults = dict[str, pd.Series]


def consistent(rows: pd.DataFrame, table: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the rows of the runs whose table is consistent, and the reason for each other run.

    Args:
        rows: as `bnlab.runs.table` reads them, the rows of a run together.
        table: its name in `runs.schema`.
    """
    reasons: dict[str, str] = {}
    for reason, wrong in _FAULTS[table](rows).items():
        for run_id in rows["run_id"][wrong].unique():
            reasons.setdefault(run_id, reason)
    if not reasons:
        return rows, {}
    kept = rows[~rows["run_id"].isin(list(reasons))].reset_index(drop=True)
    whole = [name for name in _WHOLE & set(kept.columns) if not kept[name].isna().any()]  # gaps make floats
    return kept.astype(dict.fromkeys(whole, "int64")), reasons


def measured(values: pd.Series) -> "pd.Series[bool]":
    """Return which numbers can be averaged and drawn."""
    return values.abs() <= LARGEST


def _steps(rows: pd.DataFrame) -> _Faults:
    return {"a row has no step": rows["step"].isna(), "steps do not increase": _not_rising(rows)} | _unmeasured(
        rows, "epoch", "seconds"
    )


def _evals(rows: pd.DataFrame) -> _Faults:
    return {
        "a row has no step": rows["step"].isna(),
        "an evaluation is repeated": rows.duplicated(["run_id", "step", "split", "mode"]),
    } | _unmeasured(rows, "epoch")


def _sites(rows: pd.DataFrame) -> _Faults:
    return {
        "a site is repeated": rows.duplicated(["run_id", "site"]),
        "a site has no depth": rows["depth"].isna(),
    }


def _layers(rows: pd.DataFrame) -> _Faults:
    numbered = rows["diagnostic"].isin(_NUMBERED)
    index = pd.to_numeric(rows["index"].where(numbered, "0"), errors="coerce")
    return {
        "a row has no step": rows["step"].isna(),
        "a row has a non-numeric index": ~measured(index),
    }


def _histograms(rows: pd.DataFrame) -> _Faults:
    by = ["run_id", "step", "site", "quantity"]
    ordered = rows.sort_values([*by, "left"], kind="stable")
    same = ordered[by].eq(ordered[by].shift()).all(axis=1)
    ends = ordered["right"].shift()
    room = 1e-6 * np.maximum(ends.abs(), ordered["left"].abs())  # numbers in files have nine digits
    overlapping = same & (ordered["left"] < ends - room)
    return {
        "a row has no step": rows["step"].isna(),
        "a bin ends before it begins": ~(rows["left"] <= rows["right"]),  # rounding may leave a bin no width
        "a bin has no count": rows["count"].isna(),
        "bins overlap": overlapping.reindex(rows.index),
    }


def _not_rising(rows: pd.DataFrame) -> pd.Series:
    return rows["run_id"].eq(rows["run_id"].shift()) & (rows["step"].diff() <= 0)


def _unmeasured(rows: pd.DataFrame, *names: str) -> _Faults:
    return {f"{name} is {LARGEST:g} or more": rows[name].abs() > LARGEST for name in names}


_FAULTS: dict[str, Callable[[pd.DataFrame], _Faults]] = {
    "steps": _steps, "evals": _evals, "sites": _sites, "layers": _layers, "histograms": _histograms,
}  # fmt: skip
