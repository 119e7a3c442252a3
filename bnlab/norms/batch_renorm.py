"""Batch renormalization."""

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.errors import BadInput
from bnlab.norms.base import per_channel, values_per_channel, widened
from bnlab.norms.running import RunningNorm, Sample
from bnlab.options import Count, Fraction, Natural, NonNegative, Positive


class BatchRenorm(RunningNorm):
    """Batch renormalization: y = γ ((x - μ_B) / σ_B · r + d) + β, which pulls a batch towards the running statistics.

        σ_B = √(var_B + ε),   r = clip(σ_B / σ, 1/r_max, r_max),   d = clip((μ_B - μ) / σ, -d_max, d_max)

    with the running μ, σ as they were *before* this batch; r and d are constants to the gradient. Where neither is
    clipped, y = γ (x - μ) / σ + β, what evaluation would have given. With r_max = 1 and d_max = 0 it is batch norm.

    The bounds open with training: for `warmup` batches r_max = 1 and d_max = 0, then they rise along straight lines and
    reach `r_max` after `r_ramp` batches more, `d_max` after `d_ramp` batches more. Batches are counted, so with
    `accumulate` a step counts more than once.

    Axes: x (B, C, *spatial), μ_B and var_B (biased) over B and spatial, (C,).
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running averages μ of μ_B and σ of σ_B (of the standard deviation with its ε and not of the variance, as in
    the paper), and the count of batches, see `RunningNorm`.
    Evaluation: y = γ (x - μ) / σ + β with the running averages.
    Half precision is normalized in float32 and handed back in the input's type.

    Raises:
        BadInput: r_max below 1.
        Refused: one value a channel in training: μ_B is the value itself, which leaves it no gradient.

    Source: Ioffe 2017, arXiv:1702.03275, algorithm 1 and section 4 for the ramp.
    """

    name: ClassVar[str] = "batch_renorm"
    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0, "running_std": 1.0}
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
    ) -> None:
        if r_max < 1:
            raise BadInput(f"norm.r_max={r_max} must be 1 or more: r is clipped to lie between 1/r_max and r_max")
        super().__init__(features, eps=eps, momentum=momentum, affine=affine, track_running_stats=True)
        self.r_max, self.d_max = r_max, d_max
        self.warmup, self.r_ramp, self.d_ramp = warmup, r_ramp, d_ramp

    def forward(self, x: Tensor) -> Tensor:
        wide = widened(x)
        if self.uses_batch_statistics(x):
            return self.scale_and_shift(self.renormalize(wide)).to(x.dtype)
        mean, std = self.running()
        return self.scale_and_shift(wide - per_channel(mean, x), per_channel(1 / std, x)).to(x.dtype)

    def renormalize(self, x: Tensor) -> Tensor:
        """(x - μ_B) / σ_B · r + d, and the running averages moved."""
        mean, std = self.running()
        batch_mean, batch_var = torch.zeros_like(mean), torch.zeros_like(std)
        # With momentum 1 torch's kernel hands over the batch's statistics, outside of the gradient as r and d must be.
        x_hat = F.batch_norm(x, batch_mean, batch_var, None, None, True, 1.0, self.eps)
        n = values_per_channel(x)
        batch_std = (batch_var * ((n - 1) / n) + self.eps).sqrt()  # handed over unbiased
        r_max, d_max = self.bounds()
        r = (batch_std / std).clamp(1 / r_max, r_max)
        d = ((batch_mean - mean) / std).clamp(-d_max, d_max)
        self.track(batch_mean, batch_std)
        return torch.addcmul(per_channel(d, x), x_hat, per_channel(r, x))

    def pooled(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return μ averaged, and σ of all values together, √(E[σ_B²] + E[μ_B²] - E[μ_B]²): biased, ε in it once."""
        within = self._average(samples, 1, power=2.0).square()
        return self._average(samples, 0), (within + self._variance_of_means(samples)).sqrt()

    def bounds(self) -> tuple[Tensor, Tensor]:
        """r_max and d_max for the batch that comes next."""
        assert self.num_batches_tracked is not None
        # A tensor all along: replicas under vmap may have seen different numbers of batches.
        opening = self.num_batches_tracked.to(self.running()[0].dtype) - float(self.warmup)
        r_max = 1 + (self.r_max - 1) * (opening / float(self.r_ramp)).clamp(0, 1)
        d_max = self.d_max * (opening / float(self.d_ramp)).clamp(0, 1)
        return r_max, d_max

    def extra_repr(self) -> str:
        ramp = f"warmup={self.warmup}, r_ramp={self.r_ramp}, d_ramp={self.d_ramp}"
        return f"{super().extra_repr()}, r_max={self.r_max}, d_max={self.d_max}, {ramp}"
