"""Critical learning rate, against a naive posterior and simulated runs."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from bnlab.report.stats import Outcomes, Posterior, critical, outcomes, posterior
from bnlab.report.stats.critical import _SCALES, LAPSE


def drawn(rng: np.random.Generator, x: np.ndarray, limit: float, scale: float) -> Outcomes:
    return Outcomes(x, rng.random(len(x)) < expit((x - limit) / scale), np.zeros(len(x), bool))


def test_posterior_is_that_of_a_loop_over_threshold_and_scale() -> None:
    x = np.array([-1.0, -0.5, 0.0, 0.0, 0.25, 0.5])
    wrong = np.array([False, False, True, False, True, True])
    found = posterior(x, wrong, -1, 0.5)
    expected = []
    for theta in found.values:
        mass = 0.0
        for scale in _SCALES:
            likelihood = 1.0
            for at, bad in zip(x, wrong, strict=True):
                p = LAPSE / 2 + (1 - LAPSE) / (1 + math.exp(min(700, -(at - theta) / scale)))
                likelihood *= p if bad else 1 - p
            mass += likelihood
        expected.append(mass)
    assert found.mass == pytest.approx(np.array(expected) / sum(expected), abs=1e-12)


def test_a_larger_share_is_a_higher_rate() -> None:
    rng = np.random.default_rng(0)
    found = drawn(rng, np.linspace(-2, 2, 400), 0.0, 0.2)
    half, most = (critical(found, share=share) for share in (0.5, 0.9))
    assert half is not None
    assert most is not None
    assert math.log10(half.rate) == pytest.approx(0, abs=0.08)
    assert math.log10(most.rate) == pytest.approx(0.2 * math.log(9), abs=0.12)


def test_quantiles_of_a_uniform_posterior() -> None:
    uniform = Posterior(0.0, np.full(100, 0.01))  # on [-0.005, 0.995]
    assert uniform.quantile([0.0, 0.25, 1.0]) == pytest.approx([-0.005, 0.245, 0.995])
    assert uniform.interval(0.1) == pytest.approx((0.045, 0.945))
    assert uniform.mirrored().interval(0.1) == pytest.approx((-0.945, -0.045))


def test_a_difference_has_the_moments_of_independent_numbers() -> None:
    rng = np.random.default_rng(0)
    a, b = (Posterior(first, mass / mass.sum()) for first, mass in ((1.0, rng.random(40)), (-3.0, rng.random(60))))
    difference = a.minus(b)

    def moments(one: Posterior) -> tuple[float, float]:
        mean = float(one.mass @ one.values)
        return mean, float(one.mass @ (one.values - mean) ** 2)

    (mean_a, var_a), (mean_b, var_b) = moments(a), moments(b)
    assert moments(difference) == pytest.approx((mean_a - mean_b, var_a + var_b))


def test_rates_at_both_ends_are_found_from_the_same_runs() -> None:
    """Runs work between 10^-2 and 10^1: below they do not learn, above they diverge."""
    x = np.linspace(-4, 3, 141)
    found = Outcomes(x, x > 1, x < -2)
    upper, lower = critical(found), critical(found, end="lower")
    assert upper is not None
    assert lower is not None
    assert math.log10(upper.rate) == pytest.approx(1.0, abs=0.05)
    assert math.log10(lower.rate) == pytest.approx(-2.0, abs=0.05)
    assert (upper.diverged, upper.below, lower.diverged, lower.below) == (40, 0, 0, 40)
    assert not upper.open
    assert not lower.open


def test_a_grid_that_ends_first_leaves_only_a_bound() -> None:
    x = np.linspace(-2, 0, 21)
    found = critical(Outcomes(x, np.zeros(21, bool), np.zeros(21, bool)))
    assert found is not None
    assert found.open
    assert found.posterior.interval()[0] > -0.1


def test_rates_that_work_again_are_named() -> None:
    x = np.concatenate([np.linspace(-2, 2, 41), [3.0, 3.5]])
    found = critical(Outcomes(x, (x > 0) & (x < 3.2), np.zeros(43, bool)))
    assert found is not None
    assert math.log10(found.rate) == pytest.approx(0.05, abs=0.06)
    assert found.reentrant == (pytest.approx(10**3.5),)


def test_nothing_works() -> None:
    assert critical(Outcomes(np.zeros(3), np.ones(3, bool), np.zeros(3, bool))) is None


@pytest.mark.parametrize("seeds", [1, 4, 16])
def test_more_seeds_do_not_move_it(seeds: int) -> None:
    """The highest rate at which no seed diverges falls with every seed; the critical rate only gets more certain."""
    rng = np.random.default_rng(seeds)
    grid = np.linspace(-1, 1, 21)
    found = [critical(drawn(rng, np.repeat(grid, seeds), 0.0, 0.05)) for _ in range(60)]
    medians = [math.log10(one.rate) for one in found if one is not None]
    assert np.mean(medians) == pytest.approx(0, abs=0.03)


def test_outcomes_of_runs() -> None:
    runs = pd.DataFrame(
        {
            "lr": [0.1, 1.0, 10.0, 1.0],
            "status": ["complete", "complete", "diverged", "complete"],
            "val_accuracy": [0.9, 0.1, 0.95, math.nan],
        }
    )
    found = outcomes(runs, 0.2)
    assert found.x.tolist() == [-1, 0, 1, 0]
    assert found.diverged.tolist() == [False, False, True, False]
    assert found.below.tolist() == [False, True, False, False]
