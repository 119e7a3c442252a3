"""Reduce on plateau against torch, and what a checkpoint carries of it."""

import json
from math import inf, nan

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bnlab.optim.schedules.plateau import Plateau

losses = st.lists(st.sampled_from([0.5, 0.7, 0.9999, 0.99995, 1.0, 1.1, 3.0, nan, inf]), max_size=40)


@given(losses, st.integers(0, 3), st.sampled_from([0.0, 1e-4, 0.2]))
def test_equals_torch(losses: list[float], patience: int, threshold: float) -> None:
    ours = Plateau(gamma=0.5, patience=patience, threshold=threshold)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, threshold=threshold, threshold_mode="rel", eps=0.0
    )
    for loss in losses:
        ours.evaluated(loss)
        theirs.step(loss)
        assert ours.factor(0.5) == optimizer.param_groups[0]["lr"]


@given(losses, losses)
def test_a_schedule_resumes_from_its_state(before: list[float], after: list[float]) -> None:
    whole, resumed = (Plateau(gamma=0.1, patience=1, threshold=0.01) for _ in range(2))
    for loss in before:
        whole.evaluated(loss)
    resumed.state.update(json.loads(json.dumps(dict(whole.state))))
    for loss in after:
        whole.evaluated(loss)
        resumed.evaluated(loss)
    assert resumed.state == whole.state
    assert resumed.factor(1.0) == whole.factor(1.0)


def test_two_schedules_share_nothing() -> None:
    one, other = (Plateau(gamma=0.1, patience=0, threshold=0.0) for _ in range(2))
    for _ in range(3):
        one.evaluated(1.0)
    assert one.factor(0.0) == pytest.approx(0.01)
    assert other.factor(0.0) == 1.0
