"""How long runs took until their val accuracy reached a target."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bnlab.report.stats.cell import ROUNDING
from bnlab.report.stats.estimate import Estimate, estimate

TARGET = 0.9  # val accuracy that "time to target" waits for


@dataclass(frozen=True)
class Target:
    """Epochs, or seconds, until the runs of a cell first reached the target.

    Attributes:
        time: over the runs, if all of them reached it (a mean of the quick ones alone would flatter).
        censored: how many never reached it within `budget`.
        runs: how many were evaluated.
        budget: the longest of the runs, in the unit of `time`.
    """

    time: Estimate
    censored: int
    runs: int
    budget: float


def first_reached(evals: pd.DataFrame, target: float = TARGET) -> pd.DataFrame:
    """epoch and step of the first evaluation at or above the target, by run_id; nan where a run never got there.

    Args:
        evals: val evaluations: run_id, epoch, step, accuracy.
    """
    reached = evals[evals["accuracy"] >= target - ROUNDING].groupby("run_id")[["epoch", "step"]].min()
    return reached.reindex(pd.Index(evals["run_id"].unique(), name="run_id")).astype("float64")


def time_to_target(times: pd.Series, budget: float) -> Target:
    """Of the time of each run, nan where it never got there within the budget."""
    censored = int(times.isna().sum())
    return Target(estimate([] if censored else times), censored, len(times), budget if len(times) else math.nan)


def seconds_at(steps: pd.DataFrame, when: pd.Series) -> pd.Series:
    """Seconds since its start at which a run did a step, by run_id: between logged steps by linear interpolation.

    Args:
        steps: run_id, step, seconds of every logged step.
        when: a step a run_id; nan gives nan.
    """
    logged = steps.groupby("run_id", sort=False).indices
    at, seconds = steps["step"].to_numpy("float64"), steps["seconds"].to_numpy("float64")
    found = []
    for run_id, step in zip(when.index, when, strict=True):
        rows = logged.get(run_id)
        known = rows is not None and not math.isnan(step)
        found.append(np.interp(step, at[rows], seconds[rows]) if known else math.nan)
    return pd.Series(found, when.index, "float64")
