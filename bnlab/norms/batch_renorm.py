"""Batch renormalization."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.errors import BadInput
from bnlab.norms.base import per_channel, values_per_channel, widened
from bnlab.norms.running import RunningNorm, Sample
from bnlab.norms.synchronized import moments
from bnlab.options import Count, Fraction, Natural, NonNegative, Positive


class BatchRenorm(RunningNorm):
    """Batch renormalization: y = γ ((x - μ_B) / σ_B · r + d) + β, corrected towards the running statistics.

        σ_B = √(var_B + ε),   r = clip(σ_B / σ, 1/r_max, r_max),   d = clip((μ_B - μ) / σ, -d_max, d_max)

    with the running μ, σ from *before* this batch; r and d are constants in the gradient. If neither is clipped,
    y = γ (x - μ) / σ + β, as in evaluation. With r_max = 1 and d_max = 0 it is batch norm.

    The bounds widen during training: for `warmup` batches r_max = 1 and d_max = 0, then they rise linearly to `r_max`
    over the next `r_ramp` batches and to `d_max` over the next `d_ramp`. Batches are counted, so with `accumulate` a
    step counts more than once.

    Axes: x (B, C, *spatial), μ_B and var_B (biased) over B and spatial, (C,).
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running averages μ of μ_B and σ of σ_B (the standard deviation including ε, not the variance, as in the
    paper), and the count of batches, see `RunningNorm`.
    Evaluation: y = γ (x - μ) / σ + β with the running averages.
    Half precision is normalized in float32 and returned in the input's dtype.

    Raises:
        BadInput: r_max below 1.
        Refused: a single value per channel in training: μ_B equals the value, which then has no gradient.

    Source: Ioffe 2017, arXiv:1702.03275, algorithm 1 and section 4 for the ramp.
    """

    name: ClassVar[str] = "batch_renorm"
    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0, "running_std": 1.0}
    reduces: ClassVar[bool] = True
    single_value: ClassVar[str] = "equals its own mean and passes no gradient on"

    def __init__(
        self,
        features: int,
        *,
        r_max: Positive,
        d_max: NonNegative,
        warmup: Natural,
        r_ramp: Count,
        d_ramp: Count,
        eps: Positive,
        momentum: Fraction | None,
        affine: bool,
        sync: bool,
    ) -> None:
        if r_max < 1:
            raise BadInput(f"norm.r_max={r_max} must be 1 or more: r is clipped to lie between 1/r_max and r_max")
        super().__init__(features, eps=eps, momentum=momentum, affine=affine, track_running_stats=True, sync=sync)
        self.r_max, self.d_max = r_max, d_max
        self.warmup, self.r_ramp, self.d_ramp = warmup, r_ramp, d_ramp

    def forward(self, x: Tensor) -> Tensor:
        wide = widened(x)
        if self.uses_batch_statistics(x):
            return self.scale_and_shift(self.renormalize(wide)).to(x.dtype)
        mean, std = self.running()
        return self.scale_and_shift(wide - per_channel(mean, x), per_channel(1 / std, x)).to(x.dtype)

    def renormalize(self, x: Tensor) -> Tensor:
        """Return (x - μ_B) / σ_B · r + d and update the running averages."""
        mean, std = self.running()
        if self.is_synchronized():
            own_mean, own_var = moments(x)
            x_hat = (x - per_channel(own_mean, x)) * per_channel(torch.rsqrt(own_var + self.eps), x)
            batch_mean, batch_std = own_mean.detach(), (own_var.detach() + self.eps).sqrt()
        else:
            batch_mean, batch_var = torch.zeros_like(mean), torch.zeros_like(std)
            # With momentum 1 torch's kernel writes the batch's statistics, without gradient, as r and d require.
            x_hat = F.batch_norm(x, batch_mean, batch_var, None, None, True, 1.0, self.eps)
            n = values_per_channel(x)
            batch_std = (batch_var * ((n - 1) / n) + self.eps).sqrt()  # batch_var is unbiased
        r_max, d_max = self.bounds()
        r = (batch_std / std).clamp(1 / r_max, r_max)
        d = ((batch_mean - mean) / std).clamp(-d_max, d_max)
        self.track(batch_mean, batch_std)
        return torch.addcmul(per_channel(d, x), x_hat, per_channel(r, x))

    def pooled(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return the mean of μ_B, and σ of all values, √(E[σ_B²] + E[μ_B²] - E[μ_B]²): biased, including ε once."""
        within = self._average(samples, 1, power=2.0).square()
        return self._average(samples, 0), (within + self._variance_of_means(samples)).sqrt()

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Return r_max and d_max for the next batch."""
        assert self.num_batches_tracked is not None
        # A tensor throughout: replicas under vmap may have seen different numbers of batches.
        opening = self.num_batches_tracked.to(self.running()[0].dtype) - float(self.warmup)
        r_max = 1 + (self.r_max - 1) * (opening / float(self.r_ramp)).clamp(0, 1)
        d_max = self.d_max * (opening / float(self.d_ramp)).clamp(0, 1)
        return r_max, d_max

    def extra_repr(self) -> str:
        ramp = f"warmup={self.warmup}, r_ramp={self.r_ramp}, d_ramp={self.d_ramp}"
        return f"{super().extra_repr()}, r_max={self.r_max}, d_max={self.d_max}, {ramp}"
