"""What the normalizations of activations share: the affine part, and the refusals in the user's words."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.norms.reparametrization import Reparametrization


class Norm(nn.Module):
    """A normalization of activations x of shape (B, C, *spatial): C features (channels) on axis 1.

    Subclasses set a literal `name` and take `features` first and their options as keyword-only arguments without
    defaults (the yaml holds those). A model is built without storage and filled afterwards, so `reset_parameters` must
    write every parameter and buffer. Buffers are only ever changed in place: under `functional_call` an assignment to
    the attribute is lost, and under `vmap` so is all that is not a tensor.

    Attributes:
        ignores_placement: true where the norm acts elsewhere than at the sites of a placement, or not at all.
        reparametrization: the norm of weights (one without options) that comes with it, if any.
    """

    name: ClassVar[str]
    ignores_placement: ClassVar[bool] = False
    reparametrization: ClassVar[type[Reparametrization] | None] = None

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def reset_parameters(self) -> None:
        """Write the initial value of each parameter and buffer; here there is none."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class AffineNorm(Norm):
    """A norm that ends in y = γ x̂ + β: a gain γ (`weight`, from 1) and a shift β (`bias`, from 0) a channel.

    Without `affine` both are None. They are named as in `torch.nn`, so that its checkpoints fit.

    Attributes:
        has_gain, has_shift: false where the norm's definition lacks it; it is then None whatever `affine` says.
        initial_gain: where γ starts, if not from 1: a model may set it (recurrent nets want a small one).
    """

    has_gain: ClassVar[bool] = True
    has_shift: ClassVar[bool] = True
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, features: int, *, eps: float, affine: bool) -> None:
        super().__init__(features)
        self.eps = eps
        self.affine = affine
        self.initial_gain = 1.0
        self.weight = nn.Parameter(torch.empty(features)) if affine and self.has_gain else None
        self.bias = nn.Parameter(torch.empty(features)) if affine and self.has_shift else None

    def reset_parameters(self) -> None:
        if self.weight is not None:
            nn.init.constant_(self.weight, self.initial_gain)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def scale_and_shift(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """γ (x · scale) + β, or what the norm has of it; `scale` broadcasts against x (B, C, *spatial)."""
        if self.weight is not None:
            gain = per_channel(self.weight, x)
            scale = gain if scale is None else gain * scale  # of a few values, before it meets the many of x
        if self.bias is None:
            return x if scale is None else x * scale
        shift = per_channel(self.bias, x)
        return x + shift if scale is None else torch.addcmul(shift, x, scale)

    def extra_repr(self) -> str:
        return f"{self.features}, eps={self.eps}, affine={self.affine}"


def widened(x: Tensor) -> Tensor:
    """x in the type in which statistics are taken: float32 for half precision, else its own."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def batch_axes(x: Tensor) -> list[int]:
    """The axes of x (B, C, *spatial) that statistics of a channel are taken over: all but C."""
    return [0, *range(2, x.ndim)]


def per_channel(value_C: Tensor, x: Tensor) -> Tensor:
    """A view of one value a channel, (C,), that broadcasts against x (B, C, *spatial)."""
    return value_C.view(1, -1, *[1] * (x.ndim - 2))


def values_per_channel(x: Tensor) -> int:
    """How many values of one channel a batch x (B, C, *spatial) holds."""
    return x.numel() // x.shape[1]


def values_per_example(x: Tensor) -> int:
    """How many values of one channel a single example of x (B, C, *spatial) holds: 1 where there is no space."""
    return x[0, 0].numel()


def refuse_single_value(
    values: int, *, norm: str, unit: str, way_out: str, outcome: str = "normalizes to 0 whatever it is"
) -> None:
    """Raise `Refused` where statistics would be taken over a single value, which then says nothing about itself.

    Args:
        values: how many values one mean is taken over; from shapes alone, so that a dry run without data finds it.
        norm: the name in the config.
        unit: what has its own statistics ("channel").
        way_out: what to change instead.
        outcome: what would become of a single value; 0 where the mean is taken away.
    """
    if values < 2:
        raise Refused(f"norm={norm} has {values} value for each {unit} here, and a single value {outcome}: {way_out}")


def refuse_indivisible(features: int, groups: int) -> None:
    """Raise `Refused` where channels cannot be split into groups of equal size."""
    if features % groups:
        divisors = ", ".join(str(count) for count in range(1, features + 1) if features % count == 0)
        raise Refused(f"norm.groups={groups} does not divide {features} channels: take one of {divisors}")


def refuse_ragged_chunk(x: Tensor, chunk: int) -> None:
    """Raise `Refused` where a batch x (B, C, *spatial) cut into chunks leaves one with a single value a channel."""
    examples = min(chunk, len(x) % chunk or chunk, len(x))
    if examples * values_per_example(x) < 2:
        raise Refused(
            f"norm.chunk={chunk} leaves a chunk with 1 value for each channel in a batch of {len(x)}, and a single "
            f"value normalizes to 0 whatever it is: take norm.chunk=2 or more that leaves no example over by itself"
        )
