"""RMS norm."""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_single_value, widened
from bnlab.norms.layer import values_together
from bnlab.options import Positive


class RMSNorm(AffineNorm):
    """RMS norm: y = γ x / √(mean x² + ε), with the root mean square over all values of an example.

    Layer norm without centring: if the values of x have a large common offset, y is near ±γ.

    Axes: x (B, C, *spatial), the mean (B,) over C and spatial jointly; with axes=channels, (B, *spatial) over C
    separately at each position. In an MLP the two are the same.
    Parameters: γ (`weight`), (C,), also on images; none without `affine`. There is no shift.
    State: none; training and evaluation are the same.
    Half precision is normalized in float32 and returned in the input's dtype.

    Raises:
        Refused: a mean over a single value.

    Source: Zhang & Sennrich 2019, arXiv:1910.07467, equation 4.
    """

    name: ClassVar[str] = "rms"
    has_shift: ClassVar[bool] = False

    def __init__(self, features: int, *, axes: Literal["all", "channels"], eps: Positive, affine: bool) -> None:
        super().__init__(features, eps=eps, affine=affine)
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        values, unit = values_together(x, self.axes)
        refuse_single_value(
            values,
            norm=self.name,
            unit=unit,
            way_out="take more than one channel",
            outcome="normalizes to ±1 whatever its size",
        )
        wide = widened(x)
        mean_square = wide.square().mean(1 if self.axes == "channels" else list(range(1, x.ndim)), keepdim=True)
        return self.scale_and_shift(wide, torch.rsqrt(mean_square + self.eps)).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, axes={self.axes}"
