"""The factor that Yang et al. give, and what becomes of it in nets that are not wide."""

import pytest

from bnlab.laws.gradient_growth import GROWTH, GradientGrowth


def test_the_closed_form_is_the_published_one() -> None:
    assert GROWTH["batch"] == pytest.approx(1.2112, abs=5e-5)


def test_growth_is_the_mean_factor_from_the_first_layer_to_the_last() -> None:
    law = GradientGrowth(widths=[8], depth=4, batch=8, seeds=2)
    found = law.measure()
    assert {cell: norms.shape for cell, norms in found.items()} == {("batch", 8): (2, 4), ("none", 8): (2, 4)}
    row = law.rows(found)[0]
    first, last = found["batch", 8][:, 0], found["batch", 8][:, -1]
    assert row.values == pytest.approx(tuple((first / last) ** (1 / 3)))


def test_a_net_without_gradient_does_not_hold() -> None:
    law = GradientGrowth(widths=[2], depth=40, batch=2, seeds=1)  # every ReLU is dead sooner or later
    rows = law.rows(law.measure())
    assert rows[-1].verdict == "does not hold"
