"""Moments in float64: squares of a signal that vanishes or explodes leave float32.

Legend: N rows (replicas of one site after another's), B batch, C units, n numbers.
"""

import torch
from torch import Tensor

from bnlab.diagnostics.block import all_but

PIECE = 2**17  # numbers that are widened at once: a megabyte
ROUNDING = 16 * torch.finfo(torch.float64).eps  # share of its mean up to which a deviation is that of a constant


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased standard deviation, (N,) each, of x (N, ...), in float64.

    In pieces, since widening all at once costs a pass through memory; the mean first, since two large sums cancel. A
    constant has deviation 0, also where its mean is rounded.
    """
    x_Nn = _flat(x)
    pieces = torch.split(x_Nn, max(1, PIECE // len(x_Nn)), 1)
    mean_N = torch.stack([p.double().sum(1) for p in pieces]).sum(0) / x_Nn.shape[1]
    centred = (p.double() - mean_N[:, None] for p in pieces)
    norm_N = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(c, dim=1) for c in centred]), dim=0)
    std_N = norm_N / x_Nn.shape[1] ** 0.5
    return mean_N, torch.where((std_N <= ROUNDING * mean_N.abs()) & mean_N.isfinite(), 0.0, std_N)


def summary(x: Tensor) -> Tensor:
    """Mean, biased standard deviation, minimum, maximum, (N, 4), of x (N, ...), in float64."""
    axes = all_but(x)
    # Each extreme by itself: torch.aminmax along an axis takes thirty times as long on a CPU.
    return torch.stack([*moments(x), x.amin(axes).double(), x.amax(axes).double()], 1)


def length(x: Tensor) -> Tensor:
    """L2 norm (N,) of x (N, ...) or of N scalars, in float64."""
    return torch.linalg.vector_norm(x.reshape(len(x), -1), dim=1, dtype=torch.float64)


def unit_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased standard deviation, (N, C) each, of every unit of x (N, B, C, ...), in float64."""
    mean, std = moments(x.movedim(2, 1).flatten(0, 1))
    return mean.view(len(x), -1), std.view(len(x), -1)


def _flat(x: Tensor) -> Tensor:
    """(N, n) in the order in which x lies in memory, so that images with channels last are not copied."""
    strides = x.stride()
    order = sorted(range(1, x.ndim), key=lambda axis: (-strides[axis], axis))
    return x.permute(0, *order).flatten(1)
