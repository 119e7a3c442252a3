"""Learned scalars, which residual schemes without norms add to the branches."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """A learned multiplier: y = a x, with a initially `start`."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.scale = nn.Parameter(torch.empty(1))

    def reset_parameters(self) -> None:
        nn.init.constant_(self.scale, self.start)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale

    def extra_repr(self) -> str:
        return f"start={self.start}"


class Shift(nn.Module):
    """A learned scalar bias: y = x + b, with b initially 0."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.empty(1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.shift)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift
