"""Learned scalars, which residual schemes without norms put on the branches."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """y = a x with one learned number a, from `start`."""

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
    """y = x + b with one learned number b, from 0."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.empty(1))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.shift)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift
