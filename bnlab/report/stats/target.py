"""Time that runs took until their val accuracy reached a target."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bnlab.report.stats.cell import ROUNDING
from bnlab.report.stats.estimate import Estimate, estimate

TARGET = 0.9  # val accuracy of "time to target"


@dataclass(frozen=True)
class Target:
    """Epochs, or seconds, until the runs of a cell first reached the target.

    Attributes:
        time: estimate over the runs, if all of them reached it (a mean over only the fast ones would be too small).
        censored: number of runs that did not reach it within `budget`.
        runs: number of evaluated runs.
        budget: length of the longest run, in the unit of `time`.
    """

    time: Estimate
    censored: int
    runs: int
    budget: float


def first_reached(evals: pd.DataFrame, target: float = TARGET) -> pd.DataFrame:
    """Return epoch and step of the first evaluation at or above the target, by run_id; nan if there is none.

    Args:
        evals: val evaluations: run_id, epoch, step, accuracy.
    """
    reached = evals[evals["accuracy"] >= target - ROUNDING].groupby("run_id")[["epoch", "step"]].min()
    return reached.reindex(pd.Index(evals["run_id"].unique(), name="run_id")).astype("float64")


def time_to_target(times: pd.Series, budget: float) -> Target:
    """Return the target of a cell from the time of each run, nan if it did not reach the target within the budget."""
    censored = int(times.isna().sum())
    return Target(estimate([] if censored else times), censored, len(times), budget if len(times) else math.nan)


def seconds_at(steps: pd.DataFrame, when: pd.Series) -> pd.Series:
    """Return the seconds from a run's start to a step, by run_id, interpolated linearly between logged steps.

    Args:
        steps: run_id, step, seconds of every logged step.
        when: one step per run_id; nan gives nan.
    """
    logged = steps.groupby("run_id", sort=False).indices
    at, seconds = steps["step"].to_numpy("float64"), steps["seconds"].to_numpy("float64")
    found = []
    for run_id, step in zip(when.index, when, strict=True):
        rows = logged.get(run_id)
        known = rows is not None and not math.isnan(step)
        found.append(np.interp(step, at[rows], seconds[rows]) if known else math.nan)
    return pd.Series(found, when.index, "float64")
