"""Numbers with bounds, and their intervals over seeds."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from bnlab.studies.known import Bounds, Known, Undecided, difference, effect, ratio


def exact(*values: float) -> Known:
    return Known({seed: Bounds.exact(value) for seed, value in enumerate(values)}, len(values), ("a",))


A, B = (0.91, 0.94, 0.90, 0.97), (0.88, 0.93, 0.90, 0.91)


def test_a_value_has_the_t_interval_over_seeds() -> None:
    found = effect(exact(*A))
    expected = ttest_1samp(A, 0).confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(A), expected.low, expected.high))
    assert found.n == 4


def test_a_difference_is_paired_by_seed() -> None:
    found = effect(difference(exact(*A), exact(*B)))
    expected = ttest_rel(A, B).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_ratio_is_paired_by_seed_and_geometric() -> None:
    found = effect(ratio(exact(*A), exact(*B)), geometric=True)
    expected = ttest_rel(np.log(A), np.log(B)).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))
    assert found.value == pytest.approx(math.exp(np.mean(np.log(A) - np.log(B))))


def test_only_seeds_that_both_have_are_paired() -> None:
    one = Known({0: Bounds.exact(1.0), 1: Bounds.exact(2.0), 7: Bounds.exact(99.0)}, 3, ("a",))
    other = Known({0: Bounds.exact(0.5), 1: Bounds.exact(1.0), 8: Bounds.exact(99.0)}, 3, ("b", "a"))
    found = difference(one, other)
    assert [found.by_seed[seed].value for seed in (0, 1)] == [0.5, 1.0]
    assert (found.n, found.runs) == (2, ("a", "b"))


def test_one_seed_is_too_few() -> None:
    with pytest.raises(Undecided, match="1 seed "):
        effect(exact(0.9))
    with pytest.raises(Undecided, match="0 seeds"):
        effect(difference(exact(0.9), Known({5: Bounds.exact(1.0)}, 1, ())))


def test_bounds_widen_the_interval() -> None:
    known = Known({0: Bounds(2, 1, 2), 1: Bounds(3, 2, 3), 2: Bounds(2, 1, 2)}, 3, ())
    found, lows, highs = effect(known), effect(exact(1, 2, 1)), effect(exact(2, 3, 2))
    assert (found.value, found.low, found.high) == (highs.value, lows.low, highs.high)


def test_what_was_never_reached_leaves_the_interval_open() -> None:
    never = Known({0: Bounds(10, 10, math.inf), 1: Bounds(10, 10, math.inf)}, 2, ())
    quick = Known({0: Bounds(2, 1, 2), 1: Bounds(2, 1, 2)}, 2, ())
    assert effect(ratio(never, quick), geometric=True).low == pytest.approx(5)
    assert effect(ratio(never, quick), geometric=True).high == math.inf
    assert effect(ratio(quick, never), geometric=True).low == 0
    assert effect(ratio(quick, never), geometric=True).high == pytest.approx(0.2)
    assert effect(difference(quick, never)).low == -math.inf
    assert effect(difference(quick, never)).high == -8


def test_a_number_that_is_but_a_bound_has_its_sign() -> None:
    never = Known({0: Bounds(10, 10, math.inf, least=True), 1: Bounds(4, 3, 4)}, 2, ())
    quick = Known({0: Bounds(2, 1, 2), 1: Bounds(1, 0, 1)}, 2, ())
    assert effect(ratio(never, quick), geometric=True).sign == "≥"
    assert effect(ratio(quick, never), geometric=True).sign == "≤"
    assert effect(difference(never, quick)).sign == "≥"
    assert effect(difference(quick, never)).sign == "≤"
    # An interval may be open though every run got there: in the first epoch, at a time that nobody knows.
    slow = Known({0: Bounds(4, 3, 4), 1: Bounds(4, 3, 4)}, 2, ())
    both = effect(ratio(slow, quick), geometric=True)
    assert (both.high, both.sign) == (math.inf, "")


def test_what_the_grid_ends_on_both_sides_is_no_effect() -> None:
    top = Known({None: Bounds(3, 3, math.inf, least=True)}, 3, ())
    with pytest.raises(Undecided, match="usable up to the end of the grid"):
        effect(ratio(top, top), geometric=True)


def test_of_two_that_never_got_there_nothing_is_known() -> None:
    never = Known({0: Bounds(10, 10, math.inf), 1: Bounds(10, 10, math.inf)}, 2, ())
    with pytest.raises(Undecided, match="neither side"):
        effect(ratio(never, never), geometric=True)
    with pytest.raises(Undecided, match="neither side"):
        effect(difference(never, never))


def test_what_is_read_off_the_grid_is_one_step_wide() -> None:
    """1 of a grid of factors 2 against 0.25: the limits lie between 1 and 2, 0.25 and 0.5."""
    a, b = Known({None: Bounds(1, 1, 2)}, 3, ()), Known({None: Bounds(0.25, 0.25, 0.5)}, 5, ())
    found = effect(ratio(a, b), geometric=True)
    assert (found.low, found.value, found.high, found.n) == (2, 4, 8, 3)


def test_a_ratio_needs_positive_values() -> None:
    with pytest.raises(Undecided, match="above 0"):
        ratio(exact(0.0, 1.0), exact(1.0, 1.0))
