"""What the normalizations of activations share: the affine part, and the refusals in the user's words."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.errors import Refused


class Norm(nn.Module):
    """A normalization of activations x of shape (B, C, *spatial): C features (channels) on axis 1.

    Subclasses set a literal `name` and take `features` first and their options as keyword-only arguments without
    defaults (the yaml holds those). A model is built without storage and filled afterwards, so `reset_parameters` must
    write every parameter and buffer. Buffers are only ever changed in place: under `functional_call` an assignment to
    the attribute is lost, and under `vmap` so is all that is not a tensor.

    Attributes:
        ignores_placement: true where the norm acts elsewhere than at the sites of a placement, or not at all.
    """

    name: ClassVar[str]
    ignores_placement: ClassVar[bool] = False

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def reset_parameters(self) -> None:
        """Write the initial value of each parameter and buffer."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class AffineNorm(Norm):
    """A norm that ends in y = γ x̂ + β: a gain γ (`weight`, from 1) and a shift β (`bias`, from 0) a channel.

    Without `affine` both are None. They are named as in `torch.nn`, so that its checkpoints fit.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, features: int, *, eps: float, affine: bool) -> None:
        super().__init__(features)
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(features)) if affine else None
        self.bias = nn.Parameter(torch.empty(features)) if affine else None

    def reset_parameters(self) -> None:
        if self.weight is not None and self.bias is not None:
            nn.init.ones_(self.weight)
            nn.init.zeros_(self.bias)

    def extra_repr(self) -> str:
        return f"{self.features}, eps={self.eps}, affine={self.weight is not None}"


def per_channel(value_C: Tensor, x: Tensor) -> Tensor:
    """A view of one value a channel, (C,), that broadcasts against x (B, C, *spatial)."""
    return value_C.view(1, -1, *[1] * (x.ndim - 2))


def values_per_channel(x: Tensor) -> int:
    """How many values of one channel a batch x (B, C, *spatial) holds."""
    return x.numel() // x.shape[1]


def values_per_example(x: Tensor) -> int:
    """How many values of one channel a single example of x (B, C, *spatial) holds: 1 where there is no space."""
    return x[0, 0].numel()


def refuse_single_value(values: int, *, norm: str, unit: str, way_out: str) -> None:
    """Raise `Refused` where statistics would be taken over a single value, whose variance is zero by definition.

    Args:
        values: how many values one mean is taken over; from shapes alone, so that a dry run without data finds it.
        norm: the name in the config.
        unit: what has its own statistics ("channel").
        way_out: what to change instead.
    """
    if values < 2:
        raise Refused(
            f"norm={norm} has {values} value for each {unit} here, "
            f"and a single value normalizes to 0 whatever it is: {way_out}"
        )


def refuse_indivisible(features: int, groups: int) -> None:
    """Raise `Refused` where channels cannot be split into groups of equal size."""
    if features % groups:
        divisors = ", ".join(str(count) for count in range(1, features + 1) if features % count == 0)
        raise Refused(f"norm.groups={groups} does not divide {features} channels: take one of {divisors}")
