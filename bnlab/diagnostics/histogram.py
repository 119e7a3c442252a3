"""Counts in equal bins, and their rows."""

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Numbers, Row


def histogram(sorted_Nn: Tensor, bins: int) -> Tensor:
    """Return (N, 2 + bins): lowest edge, highest edge and counts, of rows in ascending order.

    The bins lie between the smallest and largest finite value, the last one closed, as in numpy.histogram. Values that
    are not finite are not counted. A single value gets bins of total width 1 around it; no value at all, around 0.
    """
    # NaN sorts last, but searchsorted treats it as small.
    sorted_Nn = torch.where(sorted_Nn.isnan(), torch.inf, sorted_Nn.double())
    bounds_N2 = sorted_Nn.new_tensor([-torch.inf, torch.inf]).expand(len(sorted_Nn), 2).contiguous()
    first = torch.searchsorted(sorted_Nn, bounds_N2[:, :1].contiguous(), right=True)
    last = torch.searchsorted(sorted_Nn, bounds_N2[:, 1:].contiguous()) - 1
    empty = last < first  # no finite value
    low, high = (
        torch.where(empty, 0.0, sorted_Nn.gather(1, at.clamp(0, sorted_Nn.shape[1] - 1))) for at in (first, last)
    )
    flat = low == high
    low, high = torch.where(flat, low - 0.5, low), torch.where(flat, high + 0.5, high)
    inner = low + (high - low) * (torch.arange(1, bins, dtype=low.dtype, device=low.device) / bins)
    below = torch.searchsorted(sorted_Nn, inner.contiguous()).maximum(first)
    counts = torch.diff(torch.cat([first, below, last + 1], 1))
    return torch.cat([low, high, torch.where(empty, 0, counts).double()], 1)


def histogram_rows(step: int, site: str, quantity: str, values: Numbers) -> list[Row]:
    """Return rows of the `histograms` table from the result of `histogram`."""
    low, high, counts = values[0], values[1], values[2:]
    edges = np.linspace(low, high, len(counts) + 1).tolist()
    return [
        {"step": step, "site": site, "quantity": quantity, "left": left, "right": right, "count": int(count)}
        for left, right, count in zip(edges, edges[1:], counts.tolist(), strict=False)
    ]
