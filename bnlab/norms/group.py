"""Group norm."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_indivisible, refuse_single_value
from bnlab.options import Count, Positive


class GroupNorm(AffineNorm):
    """Group norm: y = γ (x - μ) / √(σ² + ε) + β, with per-example statistics over each group of channels.

    Axes: x (B, C, *spatial), C split into G groups of C/G consecutive channels; μ and σ² (B, G) over a group's channels
    and spatial; σ² is the biased variance. G = 1 is layer norm, G = C instance norm.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: none; training and evaluation are the same.

    Raises:
        Refused: G does not divide C, or a group holds a single value.

    Source: Wu & He 2018, arXiv:1803.08494.
    """

    name: ClassVar[str] = "group"

    def __init__(self, features: int, *, groups: Count, eps: Positive, affine: bool) -> None:
        refuse_indivisible(features, groups)
        super().__init__(features, eps=eps, affine=affine)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        refuse_single_value(
            x[0].numel() // self.groups,
            norm=self.name,
            unit="group of an example",
            way_out=f"take norm.groups below {self.groups}",
        )
        return group_norm(x, self.groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"


def group_norm(x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """Apply `F.group_norm` to x, made contiguous first (channels-last images are copied).

    Vectors (B, C) use a layer norm of each group instead, which is faster and accepts any layout under vmap. Without
    the copy, torch's CPU kernel computes the variance as E[x²] - E[x]² in float32 (outputs are off by 0.006 if
    the mean is 100 standard deviations, useless from 1000), and vmap has no rule at all.
    """
    if x.ndim == 2:
        size = x.shape[1] // groups
        y = F.layer_norm(torch.unflatten(x, 1, (groups, size)), (size,), None, None, eps).flatten(1)
        y = y if weight is None else y * weight
        return y if bias is None else y + bias
    return F.group_norm(x.contiguous(), groups, weight, bias, eps)
