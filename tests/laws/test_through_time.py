"""The gain of a step back in time against sampling and limits."""

from math import sqrt

import numpy as np
import pytest
import torch

from bnlab.laws.through_time import GradientThroughTime, gain, identity_gain, random_gain


def test_the_gain_with_random_weights_in_limits_and_sampled() -> None:
    assert [random_gain(1e-3, terms) for terms in (1, 2)] == pytest.approx([1.0, sqrt(0.5)], abs=1e-5)
    a = torch.randn(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slope = 1 - a.tanh().square()
    sampled = float((slope.square().mean() / a.tanh().var()).sqrt())
    assert random_gain(1.0, 1) == pytest.approx(sampled, abs=3e-3)  # of 10⁶ samples: 1e-3


def test_the_gain_with_the_identity() -> None:
    assert [identity_gain(gamma) for gamma in (0.1, 1.0)] == pytest.approx([0.99336, 0.55144], abs=1e-5)
    assert [identity_gain(gamma) for gamma in (1e-300, 1e-9, 1e3)] == pytest.approx([1.0, 1.0, 0.0])


def test_the_measured_gain_is_that_of_a_step_away_from_the_ends() -> None:
    norms = 2.0 ** -np.arange(20)
    norms[[0, -1]] = 7.0
    assert gain(norms) == pytest.approx(2.0)
    assert gain(np.array([8.0, 2.0, 1.0])) == pytest.approx(4.0)


def test_each_net_has_its_rows_and_only_the_random_one_its_seeds() -> None:
    law = GradientThroughTime(
        nets=["random", "identity", "published", "orthogonal", "lstm"], gammas=[0.5], width=8, steps=3, enlarged=1,
        seeds=2,
    )  # fmt: skip
    rows = law.rows(law.measure())
    assert [row.seeds for row in rows] == [2, 1, 1, 1, 1, 1, 1]
    assert [row.quantity.startswith("log10") for row in rows] == [False, False, False, True, False, True, False]
    assert sum("64 steps" in row.setting for row in rows) == 5
