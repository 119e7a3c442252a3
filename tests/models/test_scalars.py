"""Learned scalars."""

import pytest
import torch

from bnlab.models.scalars import Scale, Shift


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_scale(start: float) -> None:
    scale, x = Scale(start), torch.randn(3, 2, 4)
    scale.reset_parameters()
    assert torch.equal(scale(x), start * x)
    (gradient,) = torch.autograd.grad(scale(x).sum(), scale.parameters())
    torch.testing.assert_close(gradient, x.sum().view(1))


def test_shift() -> None:
    shift, x = Shift(), torch.randn(3, 2, 4)
    shift.reset_parameters()
    assert torch.equal(shift(x), x)
    (gradient,) = torch.autograd.grad(shift(x).sum(), shift.parameters())
    torch.testing.assert_close(gradient, torch.tensor([24.0]))
