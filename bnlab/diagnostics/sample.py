"""An evenly spread sample of a site's activations, for percentiles and histograms, which need sorted values.

Legend: N rows (the replicas of each site in turn), n numbers.
"""

from functools import cache
from math import gcd, prod

import numpy as np
import torch
from torch import Tensor

SAMPLE = 4096  # values of a site that are sorted; the rank of a percentile is then accurate to half a percent


def sample(x: Tensor) -> Tensor:
    """Return at most `SAMPLE` values of x (N, ...), (N, n): all, or spread evenly over batch, units and positions."""
    shape = tuple(x.shape[1:])
    if prod(shape) <= SAMPLE:
        return x.flatten(1)
    if x.is_contiguous():
        return x.flatten(1).index_select(1, _places(prod(shape)).to(x.device))
    axes = [axis.to(x.device) for axis in torch.unravel_index(_places(prod(shape)), shape)]
    return torch.stack([one[tuple(axes)] for one in x])  # the same values, without a contiguous copy of x


@cache
def _places(n: int) -> Tensor:
    """Return the indices of the sample among n values.

    Their stride is about n/φ (Kronecker's sequence) and coprime to n: none repeats, and no axis shares their period.
    """
    stride = round(n * (5**0.5 - 1) / 2)
    while gcd(stride, n) > 1:
        stride += 1
    return (torch.arange(SAMPLE) * stride % n).sort().values


def sorted_rows(x_Nn: Tensor) -> Tensor:
    """Return each row in ascending order, in at least float32.

    On a CPU, NumPy takes a fifth of torch's time and shares its memory.
    """
    x_Nn = x_Nn.to(torch.promote_types(x_Nn.dtype, torch.float32))
    if x_Nn.device.type != "cpu":
        return x_Nn.sort(1).values
    return torch.from_numpy(np.sort(x_Nn.numpy(), 1))
