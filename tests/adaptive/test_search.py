"""Search for the critical learning rate, on simulated runs."""

import math

import numpy as np
import pytest

from bnlab.adaptive.search import PACK, VERIFY, Search
from bnlab.report.stats import Outcomes
from tests.studies.simulation import search

PLAN = Search(-4.0, 2.0, 0.1, 0.5, 400)


def outcomes(x: np.ndarray, wrong: np.ndarray) -> Outcomes:
    return Outcomes(x, wrong, np.zeros(len(x), bool))


def test_the_first_rates_span_the_range() -> None:
    rates = PLAN.following(outcomes(np.empty(0), np.empty(0, bool)))
    assert len(rates) == PACK
    assert (rates[0], rates[-1]) == (1e-4, 100)
    assert np.diff(np.log10(rates)) == pytest.approx(6 / 7, abs=0.01)


def test_the_next_rates_are_around_the_limit() -> None:
    x = np.linspace(-4, 2, PACK)
    rates = PLAN.following(outcomes(x, x > 0.1))
    assert len(rates) == PACK
    assert all(-1 < math.log10(rate) < 1.5 for rate in rates)


def test_a_narrow_interval_ends_the_search_when_rates_far_above_it_were_tried() -> None:
    x = np.linspace(-0.3, 0.3, 121)
    found = outcomes(x, x > 0)
    rates = PLAN.following(found)
    assert len(rates) == VERIFY
    assert rates[-1] == 100
    assert min(rates) > 1
    more = np.concatenate([x, np.log10(rates)])
    assert PLAN.following(outcomes(more, more > 0)) == []
    low, high = PLAN.critical(found).posterior.interval()  # type: ignore[union-attr]
    assert high - low <= PLAN.width
    assert PLAN.described(found).startswith("critical lr 1 (")


def test_a_search_describes_itself() -> None:
    x = np.linspace(-4, 2, PACK)
    assert PLAN.described(outcomes(x, np.ones(PACK, bool))) == "all 8 runs went wrong"
    assert PLAN.described(outcomes(x, np.zeros(PACK, bool))) == "works up to 100, 8 runs, 0 diverged"
    capped = Search(-4.0, 2.0, 0.1, 0.5, PACK)
    assert "stopped at search.runs=8, wider than search.width=0.1" in capped.described(outcomes(x, x > 0.1))
    more = np.concatenate([np.linspace(-0.3, 0.3, 121), [1.5] * 4])
    assert "works again at 31.6" in PLAN.described(outcomes(more, (more > 0) & (more < 1)))


def test_what_works_everywhere_ends_at_once() -> None:
    x = np.linspace(-4, 2, 60)
    assert PLAN.following(outcomes(x, np.zeros(60, bool))) == []


def test_where_nothing_works_the_gaps_are_tried_and_no_more() -> None:
    x = np.linspace(-4, 2, PACK)
    rates = PLAN.following(outcomes(x, np.ones(PACK, bool)))
    assert len(rates) == PACK - 1
    between = np.log10(rates)
    assert all(low < rate < high for low, rate, high in zip(x[:-1], between, x[1:], strict=True))
    every = np.concatenate([x, between])
    assert PLAN.following(outcomes(every, np.ones(len(every), bool))) == []


@pytest.mark.parametrize("runs", [3, 8, 13])
def test_no_more_runs_than_the_cap(runs: int) -> None:
    found, _ = search(np.random.default_rng(0), Search(-4.0, 2.0, 0.1, 0.5, runs), 0.3, 0.2)
    assert len(found.x) == runs


def test_rates_have_three_digits() -> None:
    found, _ = search(np.random.default_rng(0), PLAN, 0.3, 0.05)
    assert all(float(f"{10**x:.3g}") == pytest.approx(10**x, rel=1e-12) for x in found.x)


def test_the_same_outcomes_give_the_same_rates() -> None:
    x = np.linspace(-4, 2, PACK)
    found = outcomes(x, x > 0.1)
    order = np.random.default_rng(0).permutation(PACK)
    assert PLAN.following(found) == PLAN.following(outcomes(x[order], (x > 0.1)[order]))


@pytest.mark.parametrize(("scale", "most"), [(0.02, 50), (0.05, 90)])
def test_intervals_hold_and_cost_a_fraction_of_a_grid(scale: float, most: int) -> None:
    """A grid of equal error needs s/σ² runs a decade: σ² = s/ρ is the variance of the threshold of a logistic curve."""
    rng = np.random.default_rng(1)
    held, errors, runs = [], [], []
    for _ in range(40):
        limit = rng.uniform(-3, 1)
        found, _ = search(rng, PLAN, limit, scale)
        now = PLAN.critical(found)
        assert now is not None
        low, high = now.posterior.interval()
        assert high - low <= PLAN.width
        held.append(low <= limit <= high)
        errors.append(float(now.posterior.quantile(0.5)) - limit)
        runs.append(len(found.x))
    assert np.mean(held) >= 0.875  # 35 of 40: 97 % likely where 95 % hold
    assert np.mean(runs) < most
    grid = 6 * scale / float(np.mean(np.square(errors)))
    assert np.mean(runs) < grid / 3
