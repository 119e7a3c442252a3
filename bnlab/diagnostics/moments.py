"""Moments in float64, because squares of vanishing or exploding signals leave the range of float32.

Legend: N rows (the replicas of each site in turn), B batch, C units, n numbers.
"""

import torch
from torch import Tensor

from bnlab.diagnostics.block import all_but

PIECE = 2**17  # numbers converted to float64 at a time: 1 MB
ROUNDING = 16 * torch.finfo(torch.float64).eps  # deviation of a constant, at most, as a share of its mean


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and biased standard deviation, (N,) each, of x (N, ...), in float64.

    In pieces, because converting everything together costs a pass through memory, and with the mean first, because two
    large sums would cancel. A constant has deviation 0, even if its mean is rounded.
    """
    x_Nn = _flat(x)
    pieces = torch.split(x_Nn, max(1, PIECE // len(x_Nn)), 1)
    mean_N = torch.stack([p.double().sum(1) for p in pieces]).sum(0) / x_Nn.shape[1]
    centred = (p.double() - mean_N[:, None] for p in pieces)
    norm_N = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(c, dim=1) for c in centred]), dim=0)
    std_N = norm_N / x_Nn.shape[1] ** 0.5
    return mean_N, torch.where((std_N <= ROUNDING * mean_N.abs()) & mean_N.isfinite(), 0.0, std_N)


def summary(x: Tensor) -> Tensor:
    """Return the mean, biased standard deviation, minimum and maximum, (N, 4), of x (N, ...), in float64."""
    axes = all_but(x)
    # Separate extremes: torch.aminmax along an axis takes thirty times as long on a CPU.
    return torch.stack([*moments(x), x.amin(axes).double(), x.amax(axes).double()], 1)


def length(x: Tensor) -> Tensor:
    """Return the L2 norm (N,) of x (N, ...) or of N scalars, in float64."""
    return torch.linalg.vector_norm(x.reshape(len(x), -1), dim=1, dtype=torch.float64)


def unit_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and biased standard deviation, (N, C) each, of every unit of x (N, B, C, ...), in float64."""
    mean, std = moments(x.movedim(2, 1).flatten(0, 1))
    return mean.view(len(x), -1), std.view(len(x), -1)


def _flat(x: Tensor) -> Tensor:
    """Return x as (N, n) in memory order, so that images with channels last are not copied."""
    strides = x.stride()
    order = sorted(range(1, x.ndim), key=lambda axis: (-strides[axis], axis))
    return x.permute(0, *order).flatten(1)
