"""Internal covariate shift of gradients: how much a weight's changes while those in front of it take their update."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look, weights
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class GradientShift(Diagnostic):
    """‖G - G'‖₂ and cos(G, G') of each weight but the first: G = ∂L/∂W now, G' after all in front took the update due.

    In front of W is every trained parameter, biases and norms' too, that the net holds before it; W itself and what
    comes later stay. L is the loss of the step's own batches both times, norms in training mode, the gradients those
    before clipping and weight decay; the update is the optimizer's, momentum, clipping and weight decay included.
    Where it is 0 (learning rate 0) nothing shifts: 0 and 1.

    Units: nats per unit of the weight, and none. In float64. A gradient of 0 has no direction: its cosine is NaN.

    Source: Santurkar et al. 2018, arXiv:1805.11604, definition 2.1.
    """

    name = "gradient_shift"
    measures = "change of each weight's gradient, in length and direction, once what is in front of it was updated"
    unit = "nats per unit of the weight; none (cosine)"
    cost = "one more training step for each weight but the first"
    source = "Santurkar et al. 2018, definition 2.1"
    writes: ClassVar = {"gradient_shift": "", "gradient_shift_cosine": ""}
    at = ("weight",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        before = list(look.params)
        later = list(weights(look.params).items())[1:]
        return {layer: self._shift(look, name, before[: before.index(name)]) for layer, name in later}

    @staticmethod
    def _shift(look: Look, name: str, before: list[str]) -> Tensor:
        there = look.extra.again({other: look.extra.updated()[other] for other in before})
        old_Rn, new_Rn = (grads[name].flatten(1).double() for grads in (look.grads, there.grads))
        cosine_R = (old_Rn * new_Rn).sum(1) / (length(old_Rn) * length(new_Rn))
        return torch.stack([length(old_Rn - new_Rn), cosine_R], 1)

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
