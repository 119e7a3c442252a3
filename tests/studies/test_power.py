"""Seeds that decide a claim, against simulation."""

import math

import numpy as np
import pytest

from bnlab.report.stats import levels
from bnlab.studies.claim import read_claims
from bnlab.studies.power import needs, seeds_for
from bnlab.studies.verdict import Rule
from tests.studies.conftest import Study
from tests.studies.simulation import decided, differences


@pytest.mark.parametrize("d", [0.75, 1.0, 2.0])
def test_that_many_seeds_have_the_power(d: float) -> None:
    n = seeds_for(d)
    assert math.isfinite(n)
    rng = np.random.default_rng(0)
    draws = differences(rng, "normal", 20_000, int(n)) + d

    def power(seeds: int) -> float:
        return float((decided(draws, (seeds,), (0.05,)).sign != 0).mean())

    assert power(int(n)) >= 0.79
    assert power(int(n) - 1) < 0.81


def test_with_looks_it_is_a_look() -> None:
    looks = (3, 5, 8, 12, 20)
    n = seeds_for(1.0, looks)
    assert n in looks
    draws = differences(np.random.default_rng(0), "normal", 20_000, 20) + 1.0
    found = decided(draws, looks, levels(looks))
    assert ((found.sign != 0) & (found.seeds <= n)).mean() >= 0.8
    assert seeds_for(0.1, looks) == math.inf


CLAIM = {"claim": "so it is", "metric": "accuracy", "of": {"norm": "batch"}, "against": {"norm": "none"}}


def test_the_spread_comes_from_earlier_runs(study: Study) -> None:
    for seed, gain in enumerate((0.00, 0.02, 0.04, 0.06)):
        study.run(0.8, norm="none", seed=seed)
        study.run(0.8 + gain, norm="batch", seed=seed)
    claims = read_claims([CLAIM | {"difference": {"above": bound}} for bound in (0.0, 0.029, -0.2)])
    unsure, hopeless, sure = needs(claims, study.evidence)
    spread = np.std([0.0, 0.02, 0.04, 0.06], ddof=1)
    assert unsure.seeds == seeds_for(0.03 / spread)
    assert unsure.runs == (unsure.seeds - 4) * 2
    assert (hopeless.seeds, hopeless.runs) == (math.inf, 0)
    assert (sure.verdict.verdict, sure.seeds, sure.runs) == ("confirmed", 4, 0)


def test_without_runs_it_is_unknown(study: Study) -> None:
    study.plan(norm="none")
    study.plan(norm="batch")
    (need,) = needs(read_claims([CLAIM | {"difference": {"above": 0}}]), study.evidence, Rule((3, 5)))
    assert (need.seeds, need.runs) == (None, 0)
