"""Rows and their verdicts."""

from math import inf, isnan, nan

import pytest

from bnlab.laws.row import Row, factor


def test_a_verdict_compares_the_mean_over_seeds_with_the_tolerance() -> None:
    within = Row("l", "q", "s", (1.0, 1.1), expected=1.0, tolerance=0.1)
    assert (within.measured, within.seeds, within.verdict) == (pytest.approx(1.05), 2, "holds")
    assert within.spread == pytest.approx(0.1 / 2**0.5)
    assert Row("l", "q", "s", (1.3,), expected=1.0, tolerance=0.1).verdict == "does not hold"
    assert Row("l", "q", "s", (0.5,), expected=0.5, tolerance=0.0).verdict == "holds"


@pytest.mark.parametrize(("expected", "tolerance"), [(None, None), (1.0, None), (None, 0.1)])
def test_without_closed_form_or_tolerance_a_row_is_reported(expected: float | None, tolerance: float | None) -> None:
    row = Row("l", "q", "s", (1.0,), expected, tolerance)
    assert (row.verdict, row.spread) == ("reported", None)


@pytest.mark.parametrize("values", [(nan,), (inf,), (inf, inf), (1.0, nan), (inf, 1.0)])
def test_what_is_not_finite_does_not_hold(values: tuple[float, ...]) -> None:
    row = Row("l", "q", "s", values, expected=1.0, tolerance=0.1)
    assert row.verdict == "does not hold"
    assert row.spread is None or isnan(row.spread)


def test_the_mean_factor_of_a_step() -> None:
    assert factor(8.0, 1.0, 3) == pytest.approx(2.0)
    assert factor(0.0, 1.0, 3) == 0.0
    assert factor(1.0, 0.0, 3) == inf
    assert isnan(factor(0.0, 0.0, 3))
