"""An evenly spread sample of what passes a site, for what needs order: percentiles and histograms.

Legend: N rows (replicas of one site after another's), n numbers.
"""

from functools import cache
from math import gcd, prod

import numpy as np
import torch
from torch import Tensor

SAMPLE = 4096  # values of a site that are sorted; the rank of a percentile is then right to half a percent


def sample(x: Tensor) -> Tensor:
    """At most `SAMPLE` of the values of x (N, ...), (N, n): all, or spread evenly over batch, units and positions."""
    shape = tuple(x.shape[1:])
    if prod(shape) <= SAMPLE:
        return x.flatten(1)
    if x.is_contiguous():
        return x.flatten(1).index_select(1, _places(prod(shape)).to(x.device))
    axes = [axis.to(x.device) for axis in torch.unravel_index(_places(prod(shape)), shape)]
    return torch.stack([one[tuple(axes)] for one in x])  # the same values, without a copy of them all in that order


@cache
def _places(n: int) -> Tensor:
    """Which of n values are taken.

    Each is n/φ from the last (Kronecker's sequence), prime to n: no two are one, and no period is shared with an axis.
    """
    stride = round(n * (5**0.5 - 1) / 2)
    while gcd(stride, n) > 1:
        stride += 1
    return (torch.arange(SAMPLE) * stride % n).sort().values


def sorted_rows(x_Nn: Tensor) -> Tensor:
    """Each row in rising order, at least float32. On a CPU NumPy needs a fifth of torch's time, and shares memory."""
    x_Nn = x_Nn.to(torch.promote_types(x_Nn.dtype, torch.float32))
    if x_Nn.device.type != "cpu":
        return x_Nn.sort(1).values
    return torch.from_numpy(np.sort(x_Nn.numpy(), 1))
