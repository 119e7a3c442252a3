"""Shared code of the norms of weights: a norm between the learned weight and the one that a layer uses.

The learned weight keeps its name (`units.0.weight.weight`), so parameters match those of the net without norm.
torch's `parametrize` renames it and runs the norm whenever `.weight` is read, which advances a norm with state.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn


class Reparametrization(nn.Module):
    """A normalization of a learned weight v of shape (out, in, *kernel): the layer uses w = forward(v), of equal shape.

    Subclasses set a literal `name` and `ignores_placement`, and take v's shape first and their options as keyword-only
    arguments without defaults (the yaml holds those). Parameters have at most one axis, because two or more mark a
    weight. The rules of `Norm` for buffers and `reset_parameters` apply, so that forward runs under vmap.
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
    """Return the same layer, changed in place to normalize its weight."""
    layer.__class__ = NORMED[type(layer)]
    layer.norm = norm
    return layer


def norm_of_weight(layer: nn.Module) -> Reparametrization | None:
    """Return the norm of a layer's weight, or None."""
    return layer.norm if isinstance(layer, NormedLinear | NormedConv2d) else None


def per_output(value_O: Tensor, weight: Tensor) -> Tensor:
    """Return a view of per-output values (out,) that broadcasts against a weight (out, in, *kernel)."""
    return value_O.view(-1, *[1] * (weight.ndim - 1))


def fan_in_axes(weight: Tensor) -> list[int]:
    """Return the axes of a weight (out, in, *kernel) that one output sums over."""
    return list(range(1, weight.ndim))
