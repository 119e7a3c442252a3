"""Time to a target: first time, censoring, seconds between logged steps."""

import math

import pandas as pd
import pytest

from bnlab.report.stats import first_reached, seconds_at, time_to_target


def evals(**runs: list[float]) -> pd.DataFrame:
    """Return evaluations with ten steps per epoch."""
    rows = [
        {"run_id": run_id, "epoch": float(epoch), "step": 10 * epoch, "accuracy": value}
        for run_id, values in runs.items()
        for epoch, value in enumerate(values, 1)
    ]
    return pd.DataFrame(rows, columns=["run_id", "epoch", "step", "accuracy"])


def test_first_time_at_or_above() -> None:
    reached = first_reached(evals(a=[0.5, 0.9, 0.8], b=[0.5, 0.6, 0.7, 0.95]), 0.9)
    assert reached.loc["a"].tolist() == [2.0, 20.0]
    assert reached.loc["b"].tolist() == [4.0, 40.0]
    found = time_to_target(reached["epoch"], 4.0)
    assert (found.time.mean, found.censored, found.runs, found.budget) == (3.0, 0, 2, 4.0)


def test_a_share_written_with_rounding_reaches_it() -> None:
    assert first_reached(evals(a=[0.899999999, 0.95], b=[0.8999, 0.95]), 0.9)["epoch"].tolist() == [1.0, 2.0]


def test_one_censored_run_leaves_no_mean() -> None:
    found = time_to_target(first_reached(evals(a=[0.95, 0.95], b=[0.1, 0.2]))["epoch"], 2.0)
    assert math.isnan(found.time.mean)
    assert (found.censored, found.runs, found.budget) == (1, 2, 2.0)


def test_accuracies_not_measured_are_not_reached() -> None:
    assert first_reached(evals(a=[math.nan, 0.1]))["epoch"].isna().all()


def test_nothing_evaluated() -> None:
    found = time_to_target(first_reached(evals())["epoch"], math.nan)
    assert (found.runs, found.censored) == (0, 0)
    assert math.isnan(time_to_target(pd.Series(dtype="float64"), 5.0).budget)


def test_seconds_lie_between_logged_steps() -> None:
    steps = pd.DataFrame({"run_id": ["a", "a", "a", "b"], "step": [0, 10, 30, 0], "seconds": [1.0, 2.0, 6.0, 0.5]})
    when = pd.Series([5.0, 20.0, math.nan, 0.0, 3.0], ["a", "a", "a", "b", "unlogged"])
    found = seconds_at(steps, when).tolist()
    assert found[:2] + found[3:4] == pytest.approx([1.5, 4.0, 0.5])
    assert math.isnan(found[2])
    assert math.isnan(found[4])
