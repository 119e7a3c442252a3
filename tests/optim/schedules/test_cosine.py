"""Cosine annealing against torch."""

import pytest
import torch

from bnlab.optim.schedules.cosine import Cosine


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_equals_torch(final: float) -> None:
    total, lr = 37, 0.3
    ours = Cosine(final=final)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, eta_min=final * lr)
    for step in range(total + 1):
        assert lr * ours.factor(step / total) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()
