"""Piecewise constant rates against torch."""

import pytest
import torch

from bnlab.optim.schedules.step import Step


@pytest.mark.parametrize("milestones", [[], [0.5], [0.3, 0.7], [0.7, 0.3], [0.1, 0.2, 0.9], [0.5, 0.5]])
@pytest.mark.parametrize("total", [10, 100, 130])
def test_equals_torch(milestones: list[float], total: int) -> None:
    ours = Step(milestones=milestones, gamma=0.2)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [round(m * total) for m in milestones], gamma=0.2)
    for step in range(total + 1):
        assert ours.factor(step / total) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        theirs.step()


def test_a_milestone_at_the_start_counts_from_the_first_update() -> None:
    assert Step(milestones=[0.0], gamma=0.5).factor(0.0) == 0.5
