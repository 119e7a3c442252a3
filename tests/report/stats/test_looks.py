"""Levels of intervals at several looks, against simulation and published values."""

import numpy as np
import pytest
from scipy.stats import norm, t

from bnlab.report.stats import LEVEL, levels
from bnlab.report.stats.looks import crossing
from tests.studies.simulation import decided, differences

LOOKS = [(3, 5, 8, 12, 20), (5, 10, 20), (2, 3), (2, 3, 4, 5, 6), (3, 30)]


def test_one_look_has_the_whole_level() -> None:
    assert levels((5,)) == (LEVEL,)
    assert crossing((5,), (0.05,)) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("looks", LOOKS)
def test_all_looks_together_err_with_the_level(looks: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    n = 100_000
    wrong = (decided(differences(rng, "normal", n, looks[-1]), looks, levels(looks)).sign != 0).mean()
    assert wrong == pytest.approx(LEVEL, abs=4 * np.sqrt(LEVEL * (1 - LEVEL) / n))


@pytest.mark.parametrize(("looks", "naive"), [((3, 5), 0.0863), ((3, 5, 8, 12, 20), 0.167)])
def test_ordinary_intervals_err_far_more(looks: tuple[int, ...], naive: float) -> None:
    assert crossing(looks, [LEVEL] * len(looks)) == pytest.approx(naive, abs=0.001)


def test_two_looks_are_those_of_a_double_integral() -> None:
    """P(the second look errs and the first does not), over s₁ and the rest, by plain simulation of two looks."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400_000, 4))
    first, second = levels((2, 4), 0.1)
    t1 = x[:, :2].mean(1) / (x[:, :2].std(1, ddof=1) / np.sqrt(2))
    t2 = x.mean(1) / (x.std(1, ddof=1) / 2)
    late = (np.abs(t1) <= t.isf(first / 2, 1)) & (np.abs(t2) > t.isf(second / 2, 3))
    assert first + late.mean() == pytest.approx(0.1, abs=0.002)


def test_levels_follow_the_boundary_of_wang_and_tsiatis() -> None:
    """On the normal-score scale the boundary is proportional to (n_k/n_K)^-0.25."""
    looks = (3, 5, 8, 12, 20)
    scores = norm.isf(np.array(levels(looks)) / 2)
    assert scores * (np.array(looks) / looks[-1]) ** 0.25 == pytest.approx(scores[-1])


def test_a_smaller_level_has_smaller_levels_at_every_look() -> None:
    assert all(a < b for a, b in zip(levels((3, 5, 8), 0.01), levels((3, 5, 8), 0.05), strict=True))
