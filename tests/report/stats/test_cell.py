"""Cells: counts and means of the runs at one rate."""

import math
from collections.abc import Sequence

import pandas as pd
import pytest

from bnlab.report.stats import cells


def table(grid: dict[float, Sequence[float | str]]) -> pd.DataFrame:
    """Return runs of one condition: for each rate a val accuracy or a status per seed."""
    rows = []
    for lr, seeds in grid.items():
        for seed, value in enumerate(seeds):
            status, accuracy = (value, math.nan) if isinstance(value, str) else ("complete", value)
            scores = dict.fromkeys(("val_accuracy", "test_accuracy"), accuracy)
            scores |= {"val_loss": math.nan if seed == 1 else accuracy / 2, "train_loss": accuracy / 4}
            rows.append({"lr": lr, "seed": seed, "status": status} | scores)
    return pd.DataFrame(rows)


def test_counts_every_run_and_every_gap() -> None:
    runs = table({0.1: [0.5, "diverged", "failed"], 1.0: ["running", "refused"]})
    low, high, never = cells(runs, [10.0], range(3))
    assert (low.complete, low.diverged, low.failed, low.running, low.refused, low.absent) == (1, 1, 1, 0, 0, 0)
    assert (low.val.mean, low.val.n) == (0.5, 1)
    assert (high.running, high.refused, high.absent, high.known) == (1, 1, 1, False)
    assert (never.lr, never.absent, never.finished) == (10.0, 3, 0)
    assert (low.empty, high.empty, never.empty) == (False, False, True)


def test_a_diverged_run_s_accuracy_is_not_in_the_mean() -> None:
    runs = table({0.1: [0.9, 0.8]})
    runs.loc[2] = dict.fromkeys(runs.columns, 0.1) | {"seed": 2, "status": "diverged"}
    (cell,) = cells(runs, [0.1], range(3))
    assert cell.val.mean == pytest.approx(0.85)
    assert cell.loss.mean == pytest.approx((0.45 + 0.2) / 2), "on val, or else in training"
    assert not cell.stable
