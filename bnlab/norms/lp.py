"""Batch norms that divide by an ℓp norm, p = 1, 2, ∞, of the values before centring."""

from collections.abc import Sequence
from math import inf
from typing import ClassVar

from torch import Tensor

from bnlab.norms.base import batch_axes
from bnlab.norms.measured import MeasuredNorm
from bnlab.norms.running import Sample
from bnlab.options import Fraction, Positive


class LpNorm(MeasuredNorm):
    """ℓp norm: y = γ (x - μ) / s + β with s = (mean |x|^p)^(1/p) per channel over the batch and all positions.

    s is computed from x *before* centring: for values far from 0 it measures the offset and not the spread, so y is
    small there (of order σ/|μ|), and y is not invariant to shifts of x.

    Axes: x (B, C, *spatial), μ and s (C,) over B and spatial.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running averages of μ and of s itself (not of s^p), see `RunningNorm`; none without `track_running_stats`.
    The paper does not define evaluation; as in batch norm, the running averages replace the batch's statistics.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 3.3 (ε is ours, for a channel that is 0 throughout).
    """

    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0, "running_size": 1.0}
    power: ClassVar[float]

    def __init__(
        self, features: int, *, eps: Positive, momentum: Fraction | None, affine: bool, track_running_stats: bool,
        sync: bool,
    ) -> None:  # fmt: skip
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )

    def size(self, x: Tensor) -> Tensor:
        """Return s including ε, (C,)."""
        raise NotImplementedError

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        mean, size = x.mean(batch_axes(x)), self.size(x)
        self.track(mean, size)
        return mean, size

    def pooled(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return the mean of μ, and s of all values including ε once: (Σ n s^p / Σ n)^(1/p), for p = ∞ the maximum."""
        return self._average(samples, 0), self._average(samples, 1, self.power)

    def centre_and_scale(self, *statistics: Tensor) -> tuple[Tensor, Tensor]:
        mean, size = statistics
        return mean, size.reciprocal()


class L1Norm(LpNorm):
    """ℓ1 norm: y = γ (x - μ) / s + β with s = mean |x| + ε per channel over the batch and all positions.

    Axes, parameters, state, training and evaluation: those of `LpNorm`.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 3.3.
    """

    name: ClassVar[str] = "l1"
    power: ClassVar[float] = 1.0

    def size(self, x: Tensor) -> Tensor:
        return x.abs().mean(batch_axes(x)) + self.eps


class L2Norm(LpNorm):
    """ℓ2 norm: y = γ (x - μ) / s + β with s = √(mean x² + ε) per channel over the batch and all positions.

    Because mean x² = μ² + σ², this is batch norm if μ = 0, and otherwise batch norm times √((σ²+ε)/(μ²+σ²+ε)).
    Axes, parameters, state, training and evaluation: those of `LpNorm`.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 3.3.
    """

    name: ClassVar[str] = "l2"
    power: ClassVar[float] = 2.0

    def size(self, x: Tensor) -> Tensor:
        # ε inside the root, as in batch norm: the derivative of √ is infinite at 0.
        return (x.square().mean(batch_axes(x)) + self.eps).sqrt()


class LinfNorm(LpNorm):
    """ℓ∞ norm: y = γ (x - μ) / s + β with s = max |x| + ε per channel over the batch and all positions.

    The gradient of the maximum goes to the value that attains it, split equally among ties.
    Axes, parameters, state, training and evaluation: those of `LpNorm`.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 3.3.
    """

    name: ClassVar[str] = "linf"
    power: ClassVar[float] = inf

    def size(self, x: Tensor) -> Tensor:
        return x.abs().amax(batch_axes(x)) + self.eps
