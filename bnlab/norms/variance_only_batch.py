"""Variance-only batch norm."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import batch_axes, values_per_channel
from bnlab.norms.measured import MeasuredNorm
from bnlab.options import Fraction, Positive


class VarianceOnlyBatchNorm(MeasuredNorm):
    """Variance-only batch norm: y = γ x / √(σ² + ε) + β, with the variance of a channel over batch and positions.

    The variance is that of the centred values, but the mean stays in what is divided: a channel of mean 10,000 and
    spread 1 comes out around 10,000, and a constant one 1/√ε times as large as it was.

    Axes: x (B, C, *spatial), σ² (C,) over B and spatial, biased.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running (unbiased) variance, see `RunningNorm`; none without `track_running_stats`.
    Training takes σ² from the batch and moves the running average; evaluation takes the running average, and without it
    the batch's own.

    Raises:
        Refused: batch statistics of one value a channel.

    Source: Lubana et al. 2021, arXiv:2106.05956, "variance normalization" (σ² centred and biased, as in the authors'
    code). They name it after Daneshmand et al. 2020, arXiv:2003.01652, who leave out the centring of σ² too: there
    y = x / √(mean x²), the square root of the diagonal of H Hᵀ / N for activations H (channels, N), which is this norm
    where μ = 0 and elsewhere smaller by √((σ² + ε) / (μ² + σ²)).
    """

    name: ClassVar[str] = "variance_only_batch"
    statistics: ClassVar[dict[str, float]] = {"running_var": 1.0}
    single_value: ClassVar[str] = "has no variance to be divided by"

    def __init__(
        self, features: int, *, eps: Positive, momentum: Fraction | None, affine: bool, track_running_stats: bool
    ) -> None:
        super().__init__(features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats)

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        axes, n = batch_axes(x), values_per_channel(x)
        centred = x - x.mean(axes, keepdim=True)
        # Less the square of what rounding left of the mean: with an offset in y, errors of σ are not small there.
        var = centred.square().mean(axes) - centred.mean(axes).square()
        self.track(var * (n / (n - 1)))
        return (var,)

    def centre_and_scale(self, *statistics: Tensor) -> tuple[None, Tensor]:
        return None, torch.rsqrt(statistics[0] + self.eps)
