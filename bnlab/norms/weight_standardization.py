"""Weight standardization, plain and scaled for nets without norms of activations."""

from collections.abc import Sequence
from math import pi, sqrt
from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.norms.base import refuse_single_value
from bnlab.norms.reparametrization import Reparametrization, fan_in_axes, per_output
from bnlab.options import Activation, Positive


class _Standardization(Reparametrization):
    """A norm of weights that gives each output's weights mean 0 and standard deviation 1 over its fan-in."""

    def __init__(self, shape: Sequence[int], *, eps: float) -> None:
        super().__init__(shape)
        self.eps = eps
        refuse_single_value(
            self.fan_in,
            norm=self.name,
            unit="output of a weight",
            way_out="take data and a model.width with two inputs or more, or norm=weight",
        )

    @property
    def fan_in(self) -> int:
        """Number of weights per output."""
        return torch.Size(self.shape[1:]).numel()

    def standardized(self, weight: Tensor, scale_O: Tensor | float) -> Tensor:
        """Return the weight with mean 0 and standard deviation `scale_O` over its fan-in."""
        var, mean = torch.var_mean(weight, dim=fan_in_axes(weight), correction=0)
        return (weight - per_output(mean, weight)) * per_output(scale_O * (var + self.eps).rsqrt(), weight)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, eps={self.eps}"


class WeightStandardization(_Standardization):
    """Weight standardization: w = (W - μ) / √(σ² + ε).

    Axes: W (out, in, *kernel), learned; μ and the biased σ² (out,) over in and kernel.
    Parameters, state: none. Training and evaluation are the same.
    The scale is not preserved: a layer's outputs are about √fan-in times as large as its inputs. The paper adds a group
    or batch norm after each weight; without one a deep net overflows, which scaled weight standardization fixes.
    ε is inside the root, as in the norms of activations (the authors' code adds 1e-5 to the unbiased σ instead). An
    output whose weights are all equal, including all zero, gets weights 0.

    Raises:
        Refused: a fan-in of one.

    Source: Qiao et al. 2019, arXiv:1903.10520.
    """

    name: ClassVar[str] = "weight_standardization"
    ignores_placement: ClassVar[bool] = True

    def __init__(self, shape: Sequence[int], *, eps: Positive) -> None:
        super().__init__(shape, eps=eps)

    def reset_parameters(self, weight: Tensor) -> None:
        """Do nothing."""

    def forward(self, weight: Tensor) -> Tensor:
        return self.standardized(weight, 1.0)


# 1/√Var[φ(z)] for z ~ N(0, 1): restores the variance that an activation φ removes.
GAINS: dict[str, float] = {
    "identity": 1.0,
    "relu": sqrt(2 * pi / (pi - 1)),
    "sigmoid": 4.80131337,
    "tanh": 1.59253742,
    "gelu": 1.70092624,
}


class ScaledWeightStandardization(_Standardization):
    """Scaled weight standardization: w = a γ (W - μ) / √((σ² + ε) n), n the fan-in and a the gain of an activation.

    With a = 1/√Var[φ(z)], z ~ N(0, 1), a layer after the activation φ has outputs of variance 1 if the inputs of φ do;
    for ReLU a = √(2π/(π-1)). φ is the option `activation`, for every weight: it does not follow model.activation.
    Axes: W (out, in, *kernel), learned; μ and the biased σ² (out,) over in and kernel.
    Parameters: γ (`gain`), (out,), initially 1; none without `learn_gain`.
    State: none. Training and evaluation are the same.
    ε is inside the root and small compared with σ², which is near 1/n at initialization (the authors' later code uses
    max(σ² n, 1e-4) instead). An output whose weights are all equal, including all zero, gets weights 0.

    Raises:
        Refused: a fan-in of one.

    Source: Brock et al. 2021, arXiv:2101.08692; the learned γ: Brock et al. 2021, arXiv:2102.06171.
    """

    name: ClassVar[str] = "scaled_weight_standardization"
    ignores_placement: ClassVar[bool] = True

    gain: nn.Parameter | None

    def __init__(self, shape: Sequence[int], *, activation: Activation, eps: Positive, learn_gain: bool) -> None:
        super().__init__(shape, eps=eps)
        self.activation = activation
        self.gain = nn.Parameter(torch.empty(self.shape[0])) if learn_gain else None

    def reset_parameters(self, weight: Tensor) -> None:  # noqa: ARG002
        if self.gain is not None:
            nn.init.ones_(self.gain)

    def forward(self, weight: Tensor) -> Tensor:
        scale = GAINS[self.activation] / sqrt(self.fan_in)
        return self.standardized(weight, scale if self.gain is None else scale * self.gain)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, activation={self.activation}, learn_gain={self.gain is not None}"
