"""What the normalizations of weights share: a norm between the weight that is learned and the one a layer uses.

The learned weight keeps its name (`units.0.weight.weight`), so parameters line up with those of the net without norm.
torch's own `parametrize` renames it, and runs a norm whenever `.weight` is read, which for one with state is a step.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn


class Reparametrization(nn.Module):
    """A normalization of a learned weight v of shape (out, in, *kernel): the layer uses w = forward(v), shaped alike.

    Subclasses set a literal `name` and `ignores_placement`, and take v's shape first and their options as keyword-only
    arguments without defaults (the yaml holds those). Parameters have one axis at most: what has two is a weight. For
    buffers and `reset_parameters` holds what `Norm` says; so forward runs under vmap with everything stacked.
    """

    name: ClassVar[str]
    ignores_placement: ClassVar[bool] = True

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def reset_parameters(self, weight: Tensor) -> None:
        """Write each parameter and buffer; `weight` is v with its initial value."""
        raise NotImplementedError

    def forward(self, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return "x".join(map(str, self.shape))


class NormedLinear(nn.Linear):
    """A linear layer that uses norm(weight)."""

    norm: Reparametrization

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.norm(self.weight), self.bias)


class NormedConv2d(nn.Conv2d):
    """A convolution that uses norm(weight)."""

    norm: Reparametrization

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.norm(self.weight), self.bias)


NORMED: dict[type[nn.Module], type[nn.Module]] = {nn.Linear: NormedLinear, nn.Conv2d: NormedConv2d}


def reparametrize(layer: nn.Module, norm: Reparametrization) -> nn.Module:
    """The same layer, from now on with its weight normalized."""
    layer.__class__ = NORMED[type(layer)]
    layer.norm = norm
    return layer


def norm_of_weight(layer: nn.Module) -> Reparametrization | None:
    """The norm of a layer's weight, if it has one."""
    return layer.norm if isinstance(layer, NormedLinear | NormedConv2d) else None


def per_output(value_O: Tensor, weight: Tensor) -> Tensor:
    """A view of one value an output, (out,), that broadcasts against a weight (out, in, *kernel)."""
    return value_O.view(-1, *[1] * (weight.ndim - 1))


def fan_in_axes(weight: Tensor) -> list[int]:
    """The axes of a weight (out, in, *kernel) that one output sums over."""
    return list(range(1, weight.ndim))
