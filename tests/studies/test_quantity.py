"""Numbers with bounds, and their intervals over seeds."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from bnlab.report.stats import Posterior
from bnlab.studies.quantity import Bounds, Quantity, Undecided, difference, effect, ratio


def exact(*values: float) -> Quantity:
    return Quantity({seed: Bounds.exact(value) for seed, value in enumerate(values)}, ("a",))


def bounded(*values: Bounds) -> Quantity:
    return Quantity(dict(enumerate(values)), ())


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
    one = Quantity({0: Bounds.exact(1.0), 1: Bounds.exact(2.0), 7: Bounds.exact(99.0)}, ("a",))
    other = Quantity({0: Bounds.exact(0.5), 1: Bounds.exact(1.0), 8: Bounds.exact(99.0)}, ("b", "a"))
    found = difference(one, other)
    assert [found.by_seed[seed].value for seed in (0, 1)] == [0.5, 1.0]
    assert (found.n, found.runs) == (2, ("a", "b"))


def test_one_seed_is_too_few() -> None:
    with pytest.raises(Undecided, match="1 seed "):
        effect(exact(0.9))
    with pytest.raises(Undecided, match="0 seeds"):
        effect(difference(exact(0.9), Quantity({5: Bounds.exact(1.0)}, ())))


def test_bounds_widen_the_interval() -> None:
    known = Quantity({0: Bounds(2, 1, 2), 1: Bounds(3, 2, 3), 2: Bounds(2, 1, 2)}, ())
    found, lows, highs = effect(known), effect(exact(1, 2, 1)), effect(exact(2, 3, 2))
    assert (found.value, found.low, found.high) == (highs.value, lows.low, highs.high)


def test_what_was_never_reached_leaves_the_interval_open() -> None:
    never = Quantity({0: Bounds(10, 10, math.inf), 1: Bounds(10, 10, math.inf)}, ())
    quick = Quantity({0: Bounds(2, 1, 2), 1: Bounds(2, 1, 2)}, ())
    assert effect(ratio(never, quick), geometric=True).low == pytest.approx(5)
    assert effect(ratio(never, quick), geometric=True).high == math.inf
    assert effect(ratio(quick, never), geometric=True).low == 0
    assert effect(ratio(quick, never), geometric=True).high == pytest.approx(0.2)
    assert effect(difference(quick, never)).low == -math.inf
    assert effect(difference(quick, never)).high == -8


def test_a_number_that_is_but_a_bound_has_its_sign() -> None:
    never = Quantity({0: Bounds(10, 10, math.inf, least=True), 1: Bounds(4, 3, 4)}, ())
    quick = Quantity({0: Bounds(2, 1, 2), 1: Bounds(1, 0, 1)}, ())
    assert effect(ratio(never, quick), geometric=True).sign == "≥"
    assert effect(ratio(quick, never), geometric=True).sign == "≤"
    assert effect(difference(never, quick)).sign == "≥"
    assert effect(difference(quick, never)).sign == "≤"
    # An interval may be open although every run reached the target: in the first epoch, at an unknown time.
    slow = Quantity({0: Bounds(4, 3, 4), 1: Bounds(4, 3, 4)}, ())
    both = effect(ratio(slow, quick), geometric=True)
    assert (both.high, both.sign) == (math.inf, "")


@pytest.mark.parametrize("ours", ["", "least", "most"])
@pytest.mark.parametrize("theirs", ["", "least", "most"])
def test_sign_of_every_pair_of_bounds(ours: str, theirs: str) -> None:
    """A number rises with the first and falls with the second; what may lie on both sides has no sign."""

    def known(value: float, bound: str) -> Quantity:
        return bounded(*[Bounds(value, value / 2, value * 2, least=bound == "least", most=bound == "most")] * 3)

    up, down = "least" in ours or "most" in theirs, "most" in ours or "least" in theirs
    expected = "" if up == down else "≥" if up else "≤"
    assert effect(ratio(known(4, ours), known(2, theirs)), geometric=True).sign == expected
    assert effect(difference(known(4, ours), known(2, theirs))).sign == expected


def test_seeds_that_bound_a_mean_on_opposite_sides_leave_no_sign() -> None:
    mixed = bounded(Bounds(2, 2, 3, least=True), Bounds(2, 1, 2, most=True), Bounds(2, 1, 2))
    assert effect(mixed).sign == ""


def test_a_mean_whose_seeds_are_open_on_opposite_sides_is_no_effect() -> None:
    slow = bounded(Bounds(10, 10, math.inf), Bounds(2, 1, 2), Bounds(2, 1, 2))
    other = bounded(Bounds(2, 1, 2), Bounds(10, 10, math.inf), Bounds(2, 1, 2))
    with pytest.raises(Undecided):
        effect(ratio(slow, other), geometric=True)
    with pytest.raises(Undecided):
        effect(difference(slow, other))


def test_of_two_that_never_got_there_nothing_is_known() -> None:
    never = Quantity({0: Bounds(10, 10, math.inf), 1: Bounds(10, 10, math.inf)}, ())
    with pytest.raises(Undecided, match="neither side"):
        effect(ratio(never, never), geometric=True)
    with pytest.raises(Undecided, match="neither side"):
        effect(difference(never, never))


def posterior(centre: float, sd: float) -> Posterior:
    """Return a normal posterior of log10 of a value."""
    grid = np.arange(-3, 3, 0.01)
    mass = np.exp(-0.5 * ((grid - centre) / sd) ** 2)
    return Posterior(-3.0, mass / mass.sum())


def test_a_posterior_has_its_central_interval() -> None:
    found = effect(Quantity({}, ("a", "b"), posterior(1.0, 0.1)))
    assert math.log10(found.value) == pytest.approx(1.0, abs=0.01)
    assert math.log10(found.low) == pytest.approx(1 - 0.196, abs=0.01)
    assert math.log10(found.high) == pytest.approx(1 + 0.196, abs=0.01)
    assert (found.n, found.unit, found.sign) == (2, "runs", "")
    narrow = effect(Quantity({}, ("a",), posterior(1.0, 0.1)), level=0.32)
    assert math.log10(narrow.high) == pytest.approx(1.1, abs=0.01)


def test_a_ratio_of_posteriors_is_of_independent_values() -> None:
    found = effect(ratio(Quantity({}, ("a",), posterior(1.0, 0.3)), Quantity({}, ("b",), posterior(0.0, 0.4))))
    assert math.log10(found.value) == pytest.approx(1.0, abs=0.02)
    assert math.log10(found.high) == pytest.approx(1 + 1.96 * 0.5, abs=0.03)
    assert found.n == 2


def test_posteriors_that_end_beyond_the_data_are_bounds() -> None:
    high = Quantity({}, ("a",), posterior(1.0, 0.1), least=True)
    sure = Quantity({}, ("b",), posterior(0.0, 0.1))
    assert (effect(ratio(high, sure)).high, effect(ratio(high, sure)).sign) == (math.inf, "≥")
    assert (effect(ratio(sure, high)).low, effect(ratio(sure, high)).sign) == (0, "≤")
    with pytest.raises(Undecided, match="both critical rates"):
        effect(ratio(high, high))


def test_a_ratio_needs_positive_values() -> None:
    with pytest.raises(Undecided, match="positive values"):
        ratio(exact(0.0, 1.0), exact(1.0, 1.0))
    with pytest.raises(Undecided, match="positive values"):
        ratio(exact(1.0, 1.0), exact(0.0, 1.0))
