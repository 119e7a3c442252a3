"""Per-channel statistics of a batch whose examples are spread over several processes (`bnlab.ranks`).

`torch.nn.SyncBatchNorm` does not run on CPUs. Here the ranks exchange their own means and variances, and each combines
them in the same order, so that all get equal bits; gradients pass through the exchange.
"""

import torch
from torch import Tensor

from bnlab import ranks
from bnlab.norms.base import batch_axes


def mean(x: Tensor) -> Tensor:
    """Return the mean (C,) of x (B, C, *spatial) over a shared batch."""
    part = ranks.current()
    assert part is not None
    rows_NC = ranks.gathered(x.mean(batch_axes(x)), part.ranks)
    return _weighted(rows_NC, rows_NC.new_tensor(part.shares))


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and biased variance (C,) of x (B, C, *spatial) over a shared batch.

        μ = Σ w_r μ_r,    σ² = Σ w_r (σ²_r + (μ_r - μ)²),    w_r the share of the examples of rank r

    Sums of squares about each rank's own mean, so that an offset far larger than the spread costs no precision.
    Source: Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115, eq. 2.1.
    """
    part = ranks.current()
    assert part is not None
    rows = ranks.gathered(torch.stack(torch.var_mean(x, batch_axes(x), correction=0)), part.ranks)  # (N, 2, C)
    variances_NC, means_NC = rows.unbind(1)
    shares_N = rows.new_tensor(part.shares)
    whole = _weighted(means_NC, shares_N)
    return whole, _weighted(variances_NC + (means_NC - whole).square(), shares_N)


def _weighted(rows_N: Tensor, shares_N: Tensor) -> Tensor:
    """Return Σ w_r row_r, summed as differences from the first row: equal rows give exactly their value."""
    first = rows_N[0]
    return first + torch.tensordot(shares_N, rows_N - first, 1)
