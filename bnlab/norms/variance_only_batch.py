"""Variance-only batch norm."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import batch_axes, values_per_channel
from bnlab.norms.measured import MeasuredNorm
from bnlab.norms.synchronized import moments
from bnlab.options import Fraction, Positive


class VarianceOnlyBatchNorm(MeasuredNorm):
    """Variance-only batch norm: y = γ x / √(σ² + ε) + β, with the per-channel variance over batch and positions.

    The variance is that of the centred values, but the numerator keeps the mean: a channel of mean 10,000 and standard
    deviation 1 has outputs around 10,000, and a constant one is multiplied by 1/√ε.

    Axes: x (B, C, *spatial), σ² (C,) over B and spatial, biased.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running (unbiased) variance, see `RunningNorm`; none without `track_running_stats`.
    Training uses the batch's σ² and updates the running average; evaluation uses the running average, or the batch's
    variance without it.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Lubana et al. 2021, arXiv:2106.05956, "variance normalization" (σ² centred and biased, as in the authors'
    code). They name it after Daneshmand et al. 2020, arXiv:2003.01652, who do not centre σ² either: there
    y = x / √(mean x²), the square root of the diagonal of H Hᵀ / N for activations H (channels, N), which equals
    this norm if μ = 0 and is otherwise smaller by a factor √((σ² + ε) / (μ² + σ²)).
    """

    name: ClassVar[str] = "variance_only_batch"
    statistics: ClassVar[dict[str, float]] = {"running_var": 1.0}
    reduces: ClassVar[bool] = True
    single_value: ClassVar[str] = "has no variance to be divided by"

    def __init__(
        self, features: int, *, eps: Positive, momentum: Fraction | None, affine: bool, track_running_stats: bool,
        sync: bool,
    ) -> None:  # fmt: skip
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        if self.is_synchronized():
            _, var = moments(x)
            self.track(var * (self.values / (self.values - 1)))
            return (var,)
        axes, n = batch_axes(x), values_per_channel(x)
        centred = x - x.mean(axes, keepdim=True)
        # Subtract the squared rounding error of the mean: the offset that y keeps amplifies errors of σ.
        var = centred.square().mean(axes) - centred.mean(axes).square()
        self.track(var * (n / (n - 1)))
        return (var,)

    def centre_and_scale(self, *statistics: Tensor) -> tuple[None, Tensor]:
        return None, torch.rsqrt(statistics[0] + self.eps)
