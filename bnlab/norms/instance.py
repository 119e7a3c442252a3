"""Instance norm."""

from typing import ClassVar

from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_single_value, values_per_example
from bnlab.norms.group import group_norm
from bnlab.options import Positive


class InstanceNorm(AffineNorm):
    """Instance norm: y = γ (x - μ) / √(σ² + ε) + β, with statistics per channel and example.

    Axes: x (B, C, *spatial), μ and σ² (B, C) over spatial; σ² is the biased variance.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: none; training and evaluation are the same.

    Raises:
        Refused: a single value per channel and example, as anywhere in an MLP.

    Source: Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022.
    """

    name: ClassVar[str] = "instance"

    def __init__(self, features: int, *, eps: Positive, affine: bool) -> None:
        super().__init__(features, eps=eps, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        refuse_single_value(
            values_per_example(x),
            norm=self.name,
            unit="channel of an example",
            way_out="use it on images (model=cnn) where they are larger than 1×1, or take norm=group or norm=layer",
        )
        # One group per channel: the same statistics as F.instance_norm, whose batch-norm kernel copies γ, β B times.
        return group_norm(x, self.features, self.weight, self.bias, self.eps)
