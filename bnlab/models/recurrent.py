"""Recurrent nets that read images as sequences."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from bnlab.models.base import Model
from bnlab.models.recurrence import LSTMUnit, Recurrence, RNNUnit
from bnlab.models.sequence import Sequence
from bnlab.models.units import Dropout, Head
from bnlab.norms.placement import Placement
from bnlab.options import Activation, Count, Positive, Rate, Real


class Recurrent(Model):
    """A stack of `depth` recurrent units, and the head on the last hidden state of the last unit.

    Every site but the output is called once per time step.

    Args:
        unit: builds a unit from the number of inputs per step and the number of time steps with separate statistics.
    """

    def __init__(
        self, shape: tuple[int, ...], outputs: int, norms: Placement, unit: Callable[[int, int | None], Recurrence], *,
        depth: int, width: int, sequence: str, permute: bool, statistics_per_step: bool, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.sequence = Sequence(shape, sequence, permute)
        steps = self.sequence.steps if statistics_per_step else None
        self.units = nn.ModuleList(unit(self.sequence.inputs if i == 0 else width, steps) for i in range(depth))
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.head = Head(width, outputs, norms)

    def forward(self, x: Tensor) -> Tensor:
        x_BTI = self.sequence(x)
        *below, last = self.units
        for unit in below:
            x_BTI = self.dropout(torch.stack(unit(x_BTI), 1))
        return self.head(self.dropout(last(x_BTI)[-1]))


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with forget gates), as defined in `LSTMUnit`."""

    name = "lstm"
    default_sites = ("input_to_hidden", "hidden_to_hidden")
    offers = ("input_to_hidden", "hidden_to_hidden", "cell", "hidden", "output")

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Count,
        width: Count,
        sequence: Literal["rows", "pixels"],
        permute: bool,
        statistics_per_step: bool,
        gamma: Positive | None,
        forget_bias: Real,
        dropout: Rate,
    ) -> None:
        def unit(inputs: int, steps: int | None) -> LSTMUnit:
            return LSTMUnit(inputs, width, norms, steps=steps, gamma=gamma, forget_bias=forget_bias)

        super().__init__(
            shape, outputs, norms, unit, depth=depth, width=width, sequence=sequence, permute=permute,
            statistics_per_step=statistics_per_step, dropout=dropout,
        )  # fmt: skip


class RNN(Recurrent):
    """Simple recurrent net (Elman 1990), as defined in `RNNUnit`."""

    name = "rnn"
    default_sites = ("input_to_hidden", "hidden_to_hidden")
    offers = ("input_to_hidden", "hidden_to_hidden", "hidden", "output")

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Count,
        width: Count,
        sequence: Literal["rows", "pixels"],
        permute: bool,
        statistics_per_step: bool,
        gamma: Positive | None,
        activation: Activation,
        dropout: Rate,
    ) -> None:
        def unit(inputs: int, steps: int | None) -> RNNUnit:
            return RNNUnit(inputs, width, norms, steps=steps, gamma=gamma, activation=activation)

        super().__init__(
            shape, outputs, norms, unit, depth=depth, width=width, sequence=sequence, permute=permute,
            statistics_per_step=statistics_per_step, dropout=dropout,
        )  # fmt: skip
