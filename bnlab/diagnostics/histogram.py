"""Counts in equal bins, and their rows."""

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Numbers, Row


def histogram(sorted_Nn: Tensor, bins: int) -> Tensor:
    """(N, 2 + bins): lowest edge, highest edge, counts, of rows in rising order.

    The bins lie between the smallest and the largest finite value, the last one closed: numpy.histogram. Values that
    are not finite are counted nowhere. Of one value alone the bins' total width is 1, around it; of none, around 0.
    """
    # Past the finite values lie the infinite ones and NaN, which searchsorted takes for small.
    sorted_Nn = torch.where(sorted_Nn.isnan(), torch.inf, sorted_Nn.double())
    bounds_N2 = sorted_Nn.new_tensor([-torch.inf, torch.inf]).expand(len(sorted_Nn), 2).contiguous()
    first = torch.searchsorted(sorted_Nn, bounds_N2[:, :1].contiguous(), right=True)
    last = torch.searchsorted(sorted_Nn, bounds_N2[:, 1:].contiguous()) - 1
    empty = last < first  # nothing finite at all
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
    """Rows of the `histograms` table for what `histogram` gives."""
    low, high, counts = values[0], values[1], values[2:]
    edges = np.linspace(low, high, len(counts) + 1).tolist()
    return [
        {"step": step, "site": site, "quantity": quantity, "left": left, "right": right, "count": int(count)}
        for left, right, count in zip(edges, edges[1:], counts.tolist(), strict=False)
    ]
