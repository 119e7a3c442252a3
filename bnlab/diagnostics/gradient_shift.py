"""Internal covariate shift of gradients: the change of a weight's gradient when the layers before it are updated."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look, weights
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class GradientShift(Diagnostic):
    """‖G - G'‖₂ and cos(G, G') of each weight but the first: G = ∂L/∂W now, G' after the update of all before it.

    Every trained parameter that the net holds before W is updated, including biases and those of norms; W and later
    ones are unchanged. Both times L is the loss of the step's own batches with norms in training mode, and gradients
    are taken before clipping and weight decay; the update is the optimizer's, including momentum, clipping and weight
    decay. If it is 0 (learning rate 0), the values are 0 and 1.

    Units: nats per unit of the weight, and none. In float64. The cosine is NaN if a gradient is 0.

    Source: Santurkar et al. 2018, arXiv:1805.11604, definition 2.1.
    """

    name = "gradient_shift"
    measures = "change of each weight's gradient, in length and direction, when all before it is updated"
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
