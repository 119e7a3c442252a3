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
    if x[0].numel() <= SAMPLE:
        return x.flatten(1)
    return torch.stack([one[tuple(axis.to(x.device) for axis in _spread(tuple(one.shape)))] for one in x])


@cache
def _spread(shape: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Places of the sample by axis.

    Each is n/φ from the last (Kronecker's sequence), prime to n: no two are one, and no period is shared with an axis.
    """
    n = prod(shape)
    stride = round(n * (5**0.5 - 1) / 2)
    while gcd(stride, n) > 1:
        stride += 1
    return torch.unravel_index((torch.arange(SAMPLE) * stride % n).sort().values, shape)


def sorted_rows(x_Nn: Tensor) -> Tensor:
    """Each row in rising order, at least float32. On a CPU NumPy needs a fifth of torch's time, and shares memory."""
    x_Nn = x_Nn.to(torch.promote_types(x_Nn.dtype, torch.float32))
    if x_Nn.device.type != "cpu":
        return x_Nn.sort(1).values
    return torch.from_numpy(np.sort(x_Nn.numpy(), 1))
