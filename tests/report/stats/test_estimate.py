"""Means with confidence intervals, and paired differences."""

import math

import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bnlab.report.stats import estimate, paired
from bnlab.report.stats.estimate import LARGEST


def test_by_hand() -> None:
    # t(0.975, 2) = 4.302653; s = 0.1.
    found = estimate([0.8, 0.9, 1.0])
    assert found.mean == pytest.approx(0.9)
    assert found.half == pytest.approx(4.302652730 * 0.1 / math.sqrt(3), rel=1e-8)


numbers = st.integers(-10_000, 10_000).map(lambda n: n / 1000)  # scipy warns if values differ only by rounding


@given(st.lists(numbers, min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
def test_is_scipys_interval(values: list[float]) -> None:
    found = estimate(values)
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.mean - found.half == pytest.approx(low, abs=1e-6)
    assert found.mean + found.half == pytest.approx(high, abs=1e-6)


def test_one_value_has_no_interval_and_none_no_mean() -> None:
    assert math.isnan(estimate([0.5]).half)
    assert math.isnan(estimate([]).mean)
    assert estimate([0.5, math.nan]).n == 1


@pytest.mark.parametrize(
    ("values", "mean"),
    [([1.0, math.inf], math.inf), ([1.0, 2.0, -math.inf], -math.inf), ([-math.inf, math.inf], math.nan),
     ([1e308, 1e308, 1e308], math.inf), ([0.0, 2e300], 1e300)],
)  # fmt: skip
def test_infinite_and_very_large_values_have_a_mean_and_no_interval(values: list[float], mean: float) -> None:
    """Without a warning, which the test suite turns into an error."""
    found = estimate(values)
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert math.isnan(found.half)
    assert found.n == len(values)


def test_the_largest_values_with_an_interval() -> None:
    found = estimate([-LARGEST, LARGEST])
    assert found.half == pytest.approx(12.70620474 * LARGEST, rel=1e-8)  # t(0.975, 1); s / sqrt(2) = LARGEST


def test_a_difference_is_paired_by_seed_whatever_the_order() -> None:
    values = pd.Series({2: 0.9, 0: 0.7, 1: 0.8, 5: 0.1})
    reference = pd.Series({0: 0.6, 1: 0.6, 2: 0.6, 7: 0.9})
    found = paired(values, reference)  # 0.1, 0.2, 0.3: s = 0.1
    assert (found.n, found.mean) == (3, pytest.approx(0.2))
    assert found.half == pytest.approx(4.302652730 * 0.1 / math.sqrt(3), rel=1e-8)
    assert (found.low, found.high) == (found.mean - found.half, found.mean + found.half)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9))
def test_a_difference_is_scipys_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    a, b = (pd.Series(column, dtype=float) for column in zip(*pairs, strict=True))
    if len({round(x - y, 6) for x, y in pairs}) < 2:
        return  # a t-test of a constant is not defined
    low, high = scipy.stats.ttest_rel(a, b).confidence_interval(0.95)
    found = paired(a, b)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_pairs_that_share_what_they_vary_by_are_told_apart_though_the_groups_overlap() -> None:
    hard = pd.Series([0.2, 0.5, 0.8])  # seeds differ much more than conditions do
    assert paired(hard + 0.01, hard).low > 0
    assert estimate(hard + 0.01).low < estimate(hard).high


def test_without_a_common_seed_there_is_no_difference() -> None:
    found = paired(pd.Series({0: 1.0}), pd.Series({1: 1.0, 0: math.nan}))
    assert found.n == 0
    assert math.isnan(found.mean)
