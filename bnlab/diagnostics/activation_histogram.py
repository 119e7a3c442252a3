"""Histogram of what passes a site."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, firings
from bnlab.options import Count, Moment


class ActivationHistogram(Diagnostic):
    """Counts in equal bins between the smallest and the largest finite value of the batch.

    Values that are not finite are counted nowhere, so the counts add up to fewer than the values. A constant site gets
    bins of total width 1 around its value.
    """

    name = "activation_histogram"
    table = "histograms"

    def __init__(self, *, when: list[Moment], bins: Count) -> None:
        self.when = when
        self._bins = bins

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        return {site: _histogram(x_Rn, self._bins) for site, x_Rn in firings(sites)}

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        low, high, counts = values[0], values[1], values[2:]
        edges = np.linspace(low, high, len(counts) + 1).tolist()
        return [
            {"step": step, "site": site, "quantity": "activation", "left": left, "right": right, "count": int(count)}
            for left, right, count in zip(edges, edges[1:], counts.tolist(), strict=False)
        ]


def _histogram(x_Rn: Tensor, bins: int) -> Tensor:
    """(R, 2 + bins): lowest edge, highest edge, counts. Clamping and bincount are faster than histc or bucketize."""
    replicas = x_Rn.shape[0]
    finite = x_Rn.isfinite()
    low = torch.where(finite, x_Rn, torch.inf).amin(1)
    high = torch.where(finite, x_Rn, -torch.inf).amax(1)
    empty = low > high  # nothing finite at all
    low, high = torch.where(empty, 0.0, low), torch.where(empty, 0.0, high)
    flat = low == high
    low, high = torch.where(flat, low - 0.5, low), torch.where(flat, high + 0.5, high)
    position = (x_Rn - low[:, None]) * (bins / (high - low))[:, None]
    index = torch.where(finite, position, 0.0).long().clamp_(0, bins - 1)
    index = torch.where(finite, index, bins)  # one bin more, cut off below
    index += torch.arange(replicas, device=x_Rn.device)[:, None] * (bins + 1)
    counts = torch.bincount(index.flatten(), minlength=replicas * (bins + 1)).view(replicas, bins + 1)
    return torch.cat([low[:, None], high[:, None], counts[:, :bins].to(low.dtype)], 1)
