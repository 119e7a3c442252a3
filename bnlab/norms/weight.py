"""Weight norm, alone and with mean-only batch norm."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.norms.mean_only_batch import MeanOnlyBatchNorm
from bnlab.norms.reparametrization import Reparametrization, fan_in_axes, per_output
from bnlab.options import Fraction


class WeightNorm(Reparametrization):
    """Weight norm: w = g v / ‖v‖, with length and direction of each output's weights learned separately.

    Axes: v (out, in, *kernel) is the learned weight, ‖v‖ (out,) its L2 norm over in and kernel.
    Parameters: g (`gain`), (out,), initially ‖v‖, so that w = v at initialization. (The paper's data-dependent
    initialization, g and b such that each unit has mean 0 and variance 1 on the first batch, is not used: compared
    norms start from the same net.)
    State: none. Training and evaluation are the same.
    There is no ε: v = 0 has no direction, and w is NaN. Plain gradient descent never gets there, because ∂L/∂v is
    orthogonal to v, so ‖v‖ can only grow. With weight decay, or Adam, whose steps are not along the gradient, ‖v‖ may
    shrink.

    Source: Salimans & Kingma 2016, arXiv:1602.07868, eq. 2; as `torch.nn.utils.parametrizations.weight_norm`.
    """

    name: ClassVar[str] = "weight"
    ignores_placement: ClassVar[bool] = True

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape)
        self.gain = nn.Parameter(torch.empty(self.shape[0]))

    def reset_parameters(self, weight: Tensor) -> None:
        with torch.no_grad():
            self.gain.copy_(_length(weight))

    def forward(self, weight: Tensor) -> Tensor:
        return weight * per_output(self.gain / _length(weight), weight)


def _length(weight: Tensor) -> Tensor:
    """Return ‖v‖ of each output, (out,)."""
    return torch.linalg.vector_norm(weight, dim=fan_in_axes(weight))


class WeightMeanOnlyBatchNorm(MeanOnlyBatchNorm):
    """Weight norm with mean-only batch norm: y = t - μ + β at the sites of the placement, with t = g v/‖v‖ · x + b.

    Each unit's weight has weight norm, regardless of the sites; the mean is subtracted at the sites. For axes,
    parameters, state, training and evaluation see `MeanOnlyBatchNorm` and `WeightNorm`. Directly after a weight, the
    layer's bias b is subtracted with the mean (model.bias=false omits it).

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Salimans & Kingma 2016, arXiv:1602.07868, section 4.
    """

    name: ClassVar[str] = "weight_mean_only_batch"
    reduces: ClassVar[bool] = True
    reparametrization: ClassVar[type[Reparametrization] | None] = WeightNorm

    def __init__(
        self, features: int, *, momentum: Fraction | None, affine: bool, track_running_stats: bool, sync: bool
    ) -> None:
        super().__init__(features, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync)
