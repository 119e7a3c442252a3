"""Similarity of a batch's examples at a site, and the number of directions that they span."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment


class ActivationGeometry(Diagnostic):
    """Mean cosine between examples, stable rank and soft rank of a batch at each site.

    With M the (B, n) examples scaled to length 1 and K = MMᵀ: mean of K off its diagonal (the cosine between two
    examples), stable rank tr K / ‖K‖₂ and soft rank (tr K)² / ‖K‖²_F; and the soft rank of the unscaled rows.

    Unit: none; ranks count directions, 1 if all examples are parallel, B if all are orthogonal (and, for the unscaled
    rows, of equal length). The row of an example holds all its features, positions and firings; it is not centred. A
    row of zeros stays zero, so its cosines are 0. NaN: the cosine of a batch of one, the ranks if all rows are zero,
    and all four if a value is not finite. In float64.

    Source: Lubana et al. 2021 (cosine, stable rank); Daneshmand et al. 2020, arXiv:2003.01652 (soft rank, unscaled).
    """

    name = "activation_geometry"
    measures = "mean cosine between examples, stable and soft rank at each site"
    unit = "none (ranks count directions)"
    cost = "two products of the batch with itself and the eigenvalues of one, per site"
    source = "Lubana et al. 2021; Daneshmand et al. 2020 (soft rank)"
    writes: ClassVar = {"mean_cosine": "", "stable_rank": "", "soft_rank": "", "soft_rank_unscaled": ""}
    at = ("site",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        observed = {}
        for site, values in look.sites.items():
            x_RBn = torch.cat([v.flatten(2).double() for v in values], 2)
            M_RBn = _unit_rows(x_RBn)
            batch = M_RBn.shape[1]
            trace = M_RBn.square().sum((1, 2))
            cosine = (M_RBn.sum(1).square().sum(1) - trace) / (batch * (batch - 1) or torch.nan)
            gram = _gram(M_RBn)
            stable = trace / _largest_eigenvalue(gram)
            # Scaled to at most 1, because squares of vanishing or exploding values leave even the range of float64.
            unscaled = _soft_rank(_gram(x_RBn / x_RBn.abs().amax((1, 2), keepdim=True)))
            observed[site] = torch.stack([cosine, stable, _soft_rank(gram), unscaled], 1)
        return observed

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())


def _gram(M_RBn: Tensor) -> Tensor:
    """Return MMᵀ or MᵀM, whichever is smaller: both have the same nonzero eigenvalues."""
    return M_RBn @ M_RBn.mT if M_RBn.shape[1] <= M_RBn.shape[2] else M_RBn.mT @ M_RBn


def _soft_rank(K_Rmm: Tensor) -> Tensor:
    """Return (tr K)² / ‖K‖²_F, (R,)."""
    return K_Rmm.diagonal(dim1=1, dim2=2).sum(1).square() / K_Rmm.square().sum((1, 2))


def _unit_rows(x_RBn: Tensor) -> Tensor:
    """Return rows scaled to length 1 (zeros stay), first by their largest element, whose square may overflow."""
    for order in (torch.inf, 2):
        length = torch.linalg.vector_norm(x_RBn, order, dim=2, keepdim=True)
        x_RBn = x_RBn / torch.where(length == 0, 1.0, length)
    return x_RBn


def _largest_eigenvalue(K_Rmm: Tensor) -> Tensor:
    """Return (R,), NaN where K is not finite (LAPACK would raise, for all replicas). Synchronizes with a GPU."""
    finite_R = K_Rmm.isfinite().all(2).all(1)
    largest = torch.linalg.eigvalsh(torch.where(finite_R[:, None, None], K_Rmm, 0.0))[:, -1]
    return torch.where(finite_R, largest, torch.nan)
