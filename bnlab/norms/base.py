"""Shared code of the norms of activations: affine parameters, shapes, and checks that raise `Refused`."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.norms.reparametrization import Reparametrization


class Norm(nn.Module):
    """A normalization of activations x of shape (B, C, *spatial), with C features (channels) on axis 1.

    Subclasses set a literal `name` and take `features` first and their options as keyword-only arguments without
    defaults (the yaml holds those). A model is built without storage and filled afterwards, so `reset_parameters` must
    write every parameter and buffer. Change buffers only in place: under `functional_call` an assignment to the
    attribute is lost, and under `vmap` so is any state that is not a tensor.

    Attributes:
        ignores_placement: true if the norm does not act at the sites of a placement, but elsewhere or not at all.
        reparametrization: the norm of weights (without options) that accompanies this norm, or None.
    """

    name: ClassVar[str]
    ignores_placement: ClassVar[bool] = False
    reparametrization: ClassVar[type[Reparametrization] | None] = None

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def reset_parameters(self) -> None:
        """Write the initial value of each parameter and buffer; the base class has none."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class AffineNorm(Norm):
    """A norm that ends in y = γ x̂ + β, with per-channel gain γ (`weight`, initially 1) and shift β (`bias`, 0).

    Without `affine` both are None. The names are those of `torch.nn`, so that its checkpoints load.

    Attributes:
        has_gain, has_shift: false if the norm's definition lacks the parameter; it is then None regardless of `affine`.
        initial_gain: initial value of γ, 1 by default; a model may set it (recurrent nets need a small one).
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
        """Return γ (x · scale) + β with None parameters omitted; `scale` broadcasts against x (B, C, *spatial)."""
        if self.weight is not None:
            gain = per_channel(self.weight, x)
            scale = gain if scale is None else gain * scale  # multiply the small tensors before x
        if self.bias is None:
            return x if scale is None else x * scale
        shift = per_channel(self.bias, x)
        return x + shift if scale is None else torch.addcmul(shift, x, scale)

    def extra_repr(self) -> str:
        return f"{self.features}, eps={self.eps}, affine={self.affine}"


def widened(x: Tensor) -> Tensor:
    """Return x in the dtype of its statistics: float32 for half precision, otherwise its own."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def batch_axes(x: Tensor) -> list[int]:
    """Return the axes of x (B, C, *spatial) that per-channel statistics reduce over: all but C."""
    return [0, *range(2, x.ndim)]


def per_channel(value_C: Tensor, x: Tensor) -> Tensor:
    """Return a view of per-channel values (C,) that broadcasts against x (B, C, *spatial)."""
    return value_C.view(1, -1, *[1] * (x.ndim - 2))


def values_per_channel(x: Tensor) -> int:
    """Return the number of values per channel in a batch x (B, C, *spatial)."""
    return x.numel() // x.shape[1]


def values_per_example(x: Tensor) -> int:
    """Return the number of values per channel in one example of x (B, C, *spatial): 1 without spatial axes."""
    return x[0, 0].numel()


def refuse_single_value(
    values: int, *, norm: str, unit: str, way_out: str, outcome: str = "normalizes to 0 whatever it is"
) -> None:
    """Raise `Refused` if statistics would be computed over a single value, which makes them meaningless.

    Args:
        values: number of values in each mean; known from shapes alone, so that a dry run without data raises too.
        norm: the norm's name in the config.
        unit: the unit that has its own statistics ("channel").
        way_out: the remedy, named in the message.
        outcome: the result of normalizing a single value; 0 if the mean is subtracted.
    """
    if values < 2:
        raise Refused(f"norm={norm} has {values} value for each {unit} here, and a single value {outcome}: {way_out}")


def refuse_indivisible(features: int, groups: int) -> None:
    """Raise `Refused` if the channels cannot be split into groups of equal size."""
    if features % groups:
        divisors = ", ".join(str(count) for count in range(1, features + 1) if features % count == 0)
        raise Refused(f"norm.groups={groups} does not divide {features} channels: take one of {divisors}")


def refuse_ragged_chunk(x: Tensor, chunk: int) -> None:
    """Raise `Refused` if splitting a batch x (B, C, *spatial) leaves a chunk with a single value per channel."""
    examples = min(chunk, len(x) % chunk or chunk, len(x))
    if examples * values_per_example(x) < 2:
        raise Refused(
            f"norm.chunk={chunk} leaves a chunk with 1 value for each channel in a batch of {len(x)}, and a single "
            f"value normalizes to 0 whatever it is: take norm.chunk=2 or more that leaves no example over by itself"
        )
