"""Noisy batch norm: batch norm whose output is randomly scaled and shifted at each step."""

from typing import ClassVar, Literal

from torch import Tensor

from bnlab.noise import NORM, normal_like, uniform_like
from bnlab.norms.base import widened
from bnlab.norms.batch import BatchNorm
from bnlab.options import Fraction, Positive

SHIFT = 0.5  # bound of |μ_t|, the shift of a step
SCALE = 1.25  # upper bound of σ_t, the scale of a step; the lower one is 1
SPREAD = 0.1  # bound of an element's shift around μ_t, and standard deviation of its scale around σ_t


class NoisyBatchNorm(BatchNorm):
    """Noisy batch norm: a = s y + m, with y the output of batch norm, γ and β included, and noise s, m in training.

        μ_t ~ U(-0.5, 0.5), σ_t ~ U(1, 1.25)                 once per forward pass
        m ~ U(μ_t - 0.1, μ_t + 0.1), s ~ N(σ_t, 0.1²)        once per element, given μ_t and σ_t

    The layer shares one pair (μ_t, σ_t), or with drift=channel each channel has its own. The noise deliberately makes
    the next layer's input drift from step to step, and is constant in the gradient (∂a/∂y = s).

    Axes, parameters, state: those of batch norm; the noise does not affect the running averages.
    Evaluation: batch norm with the running averages and no noise. The paper defines the noise for training steps and
    not for evaluation; the mean of s, 1.125, is not compensated for.
    The noise comes from `bnlab.noise`, in float32 regardless of the precision.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 2.1 and the appendix's algorithm with its constants.
    """

    name: ClassVar[str] = "noisy_batch"
    reduces: ClassVar[bool] = True

    def __init__(
        self,
        features: int,
        *,
        drift: Literal["layer", "channel"],
        eps: Positive,
        momentum: Fraction | None,
        affine: bool,
        track_running_stats: bool,
        sync: bool,
    ) -> None:
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )
        self.drift = drift

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if not self.training:
            return y
        like = y.detach().float()
        one_each = like[:1, :, *[slice(1)] * (x.ndim - 2)] if self.drift == "channel" else like.flatten()[0]
        shift = SHIFT * (2 * uniform_like(one_each, NORM, each=False) - 1) + SPREAD * (2 * uniform_like(like, NORM) - 1)
        scale = 1 + (SCALE - 1) * uniform_like(one_each, NORM, each=False) + SPREAD * normal_like(like, NORM)
        return (scale * widened(y) + shift).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, drift={self.drift}"
