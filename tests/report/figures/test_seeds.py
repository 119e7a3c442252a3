"""Means and intervals over seeds."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bnlab.report.figures._seeds import limits, over_seeds


def table(*values: tuple[int, float]) -> pd.DataFrame:
    return pd.DataFrame(values, columns=["seed", "value"]).assign(x=1)


def point(*values: tuple[int, float], log: bool = False) -> dict[str, Any]:
    return over_seeds(table(*values), ["x"], log=log).iloc[0].to_dict()


def test_mean_and_t_interval_of_three_seeds() -> None:
    found = point((0, 1.0), (1, 2.0), (2, 6.0))
    half = t.ppf(0.975, 2) * np.std([1, 2, 6], ddof=1) / math.sqrt(3)
    assert found == pytest.approx(
        {"x": 1, "n": 3, "mean": 3, "low": 3 - half, "high": 3 + half, "least": 1, "greatest": 6}
    )


def test_on_a_log_axis_all_of_it_is_geometric() -> None:
    found = point((0, 1e-4), (1, 1e-2), (2, 1.0), log=True)
    assert found["mean"] == pytest.approx(1e-2)
    assert found["low"] * found["high"] == pytest.approx(1e-4)
    assert found["low"] > 0
    assert (found["least"], found["greatest"]) == pytest.approx((1e-4, 1.0))


def test_the_band_of_two_seeds_is_their_range_and_one_has_none() -> None:
    assert point((0, 1.0), (1, 3.0))["low"] == 1
    assert point((0, 1.0), (1, 3.0))["high"] == 3
    alone = point((0, 1.0))
    assert (alone["n"], alone["mean"]) == (1, 1)
    assert math.isnan(alone["low"])
    assert math.isnan(alone["high"])


def test_rows_of_one_seed_are_averaged_before_seeds_are() -> None:
    found = point((0, 1.0), (0, 3.0), (0, 5.0), (1, 9.0))
    assert (found["n"], found["mean"], found["least"]) == (2, 6, 3)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_does_not_count(lost: float, log: bool) -> None:
    found = point((0, lost), (1, 4.0), (2, 4.0), log=log)
    assert (found["n"], found["mean"]) == (2, pytest.approx(4))
    nothing = point((0, lost), log=log)
    assert nothing["n"] == 0
    assert math.isnan(nothing["mean"])


def test_zero_has_no_place_on_a_log_axis() -> None:
    assert point((0, 0.0), (1, 4.0), log=True)["mean"] == pytest.approx(4)
    assert point((0, 0.0), (1, 4.0))["mean"] == 2


def test_limits_hold_every_seed_but_not_every_interval() -> None:
    far = over_seeds(table((0, 1e-12), (1, 1.0), (2, 1.0)), ["x"], log=True)
    assert far["high"].iloc[0] > 1e6
    low, high = limits(far, log=True) or (0, 0)
    assert 1e-14 < low < 1e-12
    assert 1 < high < 100


def test_limits_of_equal_values_have_some_room() -> None:
    low, high = limits(over_seeds(table((0, 0.0)), ["x"], log=False), log=False) or (0, 0)
    assert low < 0 < high


def test_no_number_no_limits() -> None:
    assert limits(over_seeds(table((0, math.nan)), ["x"], log=False), log=False) is None
