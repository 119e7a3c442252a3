"""How alike the examples of a batch are at a site, and how many directions they span."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, named_rows
from bnlab.options import Moment

NAMES = ("mean_cosine", "stable_rank", "soft_rank")


class ActivationGeometry(Diagnostic):
    """With M the (B, n) examples scaled to length 1 and K = MMᵀ: mean of K off its diagonal (the cosine between two
    examples), stable rank tr K / ‖K‖₂ and soft rank (tr K)² / ‖K‖²_F.

    Unit: none; ranks count directions, 1 where all examples are parallel, B where all are orthogonal. All features,
    positions and firings together make an example's row; it is not centred. A row of zeros has no direction: it stays
    zero, so its cosines are 0. Undefined is NaN: the cosine of a batch of one, the ranks where all rows are zero, and
    all three where a value is not finite. In float64.

    Source: Lubana et al. 2021 (cosine, stable rank); Daneshmand et al. 2020, arXiv:2003.01652 (soft rank, there of rows
    that are not scaled).
    """

    name = "activation_geometry"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        observed = {}
        for site, values in sites.items():
            M_RBn = _unit_rows(torch.cat([v.flatten(2).double() for v in values], 2))
            batch = M_RBn.shape[1]
            trace = M_RBn.square().sum((1, 2))
            cosine = (M_RBn.sum(1).square().sum(1) - trace) / (batch * (batch - 1) or torch.nan)
            # Both products have the eigenvalues of K that are not zero.
            gram = M_RBn @ M_RBn.mT if batch <= M_RBn.shape[2] else M_RBn.mT @ M_RBn
            stable = trace / _largest_eigenvalue(gram)
            soft = trace.square() / gram.square().sum((1, 2))
            observed[site] = torch.stack([cosine, stable, soft], 1)
        return observed

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, NAMES, values.tolist())


def _unit_rows(x_RBn: Tensor) -> Tensor:
    """Rows of length 1, and zero where they were; scaled by their largest element first, whose square may overflow."""
    for order in (torch.inf, 2):
        length = torch.linalg.vector_norm(x_RBn, order, dim=2, keepdim=True)
        x_RBn = x_RBn / torch.where(length == 0, 1.0, length)
    return x_RBn


def _largest_eigenvalue(K_Rmm: Tensor) -> Tensor:
    """(R,), NaN where K is not finite (LAPACK would raise, for the siblings too). A GPU is waited for."""
    finite_R = K_Rmm.isfinite().all(2).all(1)
    largest = torch.linalg.eigvalsh(torch.where(finite_R[:, None, None], K_Rmm, 0.0))[:, -1]
    return torch.where(finite_R, largest, torch.nan)
