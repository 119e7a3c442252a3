"""Weight norm, by itself and with mean-only batch norm."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.norms.mean_only_batch import MeanOnlyBatchNorm
from bnlab.norms.reparametrization import Reparametrization, fan_in_axes, per_output
from bnlab.options import Fraction


class WeightNorm(Reparametrization):
    """Weight norm: w = g v / ‖v‖, the length and the direction of each output's weights learned apart.

    Axes: v (out, in, *kernel) is the learned weight, ‖v‖ (out,) its L2 norm over in and kernel.
    Parameters: g (`gain`), (out,), from ‖v‖, so that at initialization w = v. (The paper's data-dependent start, g and
    b such that the first batch leaves each unit with mean 0 and variance 1, is not taken: norms compared start from
    one net.)
    State: none. Training and evaluation are the same.
    There is no ε: where v of an output is 0 it has no direction, and w is NaN. Plain gradient descent never gets there,
    as ∂L/∂v is orthogonal to v and so ‖v‖ can only grow. With weight decay, or Adam, whose
    steps are not along the gradient, ‖v‖ may shrink.

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
    """‖v‖ of each output, (out,)."""
    return torch.linalg.vector_norm(weight, dim=fan_in_axes(weight))


class WeightMeanOnlyBatchNorm(MeanOnlyBatchNorm):
    """Weight norm with mean-only batch norm: y = t - μ + β at the sites of the placement, t = g v/‖v‖ · x + b before.

    Each unit's weight has weight norm, wherever the sites are; the mean is taken away at the sites. Axes, parameters,
    state and the difference between training and evaluation are those of the two, see `MeanOnlyBatchNorm` and
    `WeightNorm`. Right behind a weight the layer's own bias b is taken away with the mean (model.bias=false spares it).

    Raises:
        Refused: batch statistics of one value a channel.

    Source: Salimans & Kingma 2016, arXiv:1602.07868, section 4.
    """

    name: ClassVar[str] = "weight_mean_only_batch"
    reparametrization: ClassVar[type[Reparametrization] | None] = WeightNorm

    def __init__(self, features: int, *, momentum: Fraction | None, affine: bool, track_running_stats: bool) -> None:
        super().__init__(features, momentum=momentum, affine=affine, track_running_stats=track_running_stats)
