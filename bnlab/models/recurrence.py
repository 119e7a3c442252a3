"""Recurrent units: their weights, their sites, and the loop over time steps.

Legend: B batch, T time steps, I inputs per step, H hidden units, G = gates · H.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.models.timed_site import HoistedSite, TimedSite
from bnlab.models.units import ACTIVATIONS
from bnlab.norms.base import AffineNorm
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import norm_of_weight
from bnlab.norms.site import Site


def site(norms: Placement, kind: str, features: int, gamma: float | None, *, shift: bool = True) -> Site:
    """Return the site of this kind, its norm with initial gain `gamma` and, with shift=False, without shift."""
    found = norms.at(kind, features)
    if isinstance(found.norm, AffineNorm):
        if gamma is not None:
            found.norm.initial_gain = gamma
        if not shift:
            found.norm.bias = None
    return found


class Bias(nn.Module):
    """A bias, x + b, for gates in blocks of H: b is initially `first` in the first block and 0 in the others."""

    def __init__(self, features: int, blocks: int, first: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.empty(features * blocks))
        self.features, self.first = features, first

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.value)
        nn.init.constant_(self.value[: self.features], self.first)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


class Recurrence(nn.Module):
    """Base class of recurrent units, with the gates N(W_x x_t) + N(W_h h) + b.

    The projection of the inputs is outside the time loop, one product for all steps. Its norm uses the
    batch's statistics of a single step, whether or not the running ones are shared.

    b is a separate parameter, so norms at `input_to_hidden` and `hidden_to_hidden` have no shift β.

    Args:
        steps: number of time steps with separate running statistics; None if all steps share one set.
        gamma: initial gain of the norms; None for 1.
        first_bias: initial b of the first gate.
    """

    def __init__(
        self, gates: int, inputs: int, width: int, norms: Placement, *, steps: int | None, gamma: float | None,
        first_bias: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.width = width
        self.from_input = norms.reparametrize(nn.Linear(inputs, gates * width, bias=False))
        at_input = site(norms, "input_to_hidden", gates * width, gamma, shift=False)
        self.input_to_hidden = HoistedSite(at_input, steps)
        self.from_hidden = norms.reparametrize(nn.Linear(width, gates * width, bias=False))
        self.hidden_to_hidden = TimedSite(site(norms, "hidden_to_hidden", gates * width, gamma, shift=False), steps)
        self.bias = Bias(width, gates, first_bias)

    def inputs(self, x_BTI: Tensor) -> tuple[Tensor, ...]:
        """Return N(W_x x_t), (B, G) for each step, which does not depend on the previous step."""
        # Steps are contiguous in memory: with the rows of a step apart, batch norm takes twice as long.
        return self.input_to_hidden(self.from_input(x_BTI.transpose(0, 1).flatten(0, 1)), len(x_BTI))

    def gates(self, from_input_BG: Tensor, from_hidden_BG: Tensor, t: int) -> Tensor:
        """Return N(W_x x_t) + N(W_h h) + b at step t; the first term comes from `inputs`."""
        return self.bias(from_input_BG + self.hidden_to_hidden(from_hidden_BG, t))

    def recurrent_weight(self, like: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the map from h_BH to W_h h; a norm of the weight is applied here once per pass, not at every step."""
        if norm_of_weight(self.from_hidden) is None:
            return self.from_hidden
        transposed = self.from_hidden(torch.eye(self.width, dtype=like.dtype, device=like.device))
        return partial(F.linear, weight=transposed.T)

    def forward(self, x_BTI: Tensor) -> list[Tensor]:
        """Return h_t, (B, H) for each step, from h_0 = 0."""
        raise NotImplementedError


class LSTMUnit(Recurrence):
    """LSTM unit with norms N at the sites `input_to_hidden`, `hidden_to_hidden`, `cell` and `hidden`.

        (f, i, o, g) = N(W_x x_t) + N(W_h h) + b,   c = σ(f) c + σ(i) tanh(g),   h = N(σ(o) tanh(N(c)))

    With batch norm at the first three sites it is the BN-LSTM of Cooijmans et al. 2016, arXiv:1603.09025, section 3.
    """

    def __init__(
        self, inputs: int, width: int, norms: Placement, *, steps: int | None, gamma: float | None, forget_bias: float
    ) -> None:
        super().__init__(4, inputs, width, norms, steps=steps, gamma=gamma, first_bias=forget_bias)
        self.cell = TimedSite(site(norms, "cell", width, gamma), steps)
        self.hidden = TimedSite(site(norms, "hidden", width, gamma), steps)

    def forward(self, x_BTI: Tensor) -> list[Tensor]:
        from_hidden, hidden = self.recurrent_weight(x_BTI), []
        h = c = x_BTI.new_zeros(len(x_BTI), self.width)
        for t, from_input_BG in enumerate(self.inputs(x_BTI)):
            f, i, o, g = self.gates(from_input_BG, from_hidden(h), t).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = self.hidden(o.sigmoid() * self.cell(c, t).tanh(), t)
            hidden.append(h)
        return hidden


class RNNUnit(Recurrence):
    """Simple unit h = N(φ(N(W_x x_t) + N(W_h h) + b)), N at `input_to_hidden`, `hidden_to_hidden` and `hidden`."""

    def __init__(
        self, inputs: int, width: int, norms: Placement, *, steps: int | None, gamma: float | None, activation: str
    ) -> None:
        super().__init__(1, inputs, width, norms, steps=steps, gamma=gamma)
        self.act = ACTIVATIONS[activation]()
        self.hidden = TimedSite(site(norms, "hidden", width, gamma), steps)

    def forward(self, x_BTI: Tensor) -> list[Tensor]:
        from_hidden, hidden = self.recurrent_weight(x_BTI), []
        h = x_BTI.new_zeros(len(x_BTI), self.width)
        for t, from_input_BH in enumerate(self.inputs(x_BTI)):
            h = self.hidden(self.act(self.gates(from_input_BH, from_hidden(h), t)), t)
            hidden.append(h)
        return hidden
