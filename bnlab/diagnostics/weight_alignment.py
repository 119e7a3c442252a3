"""Alignment of each weight with its gradient."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look, weights
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class WeightAlignment(Diagnostic):
    """⟨W, ∂L/∂W⟩ and ⟨W, ∂L/∂W⟩ / (‖W‖₂ ‖∂L/∂W‖₂) for each weight W.

    Both are 0 if the loss does not change with the scale of W, as before batch norm with ε = 0. Units: nats;
    none. In float64; weights and gradients as in `weight_grad_norm`. The cosine is NaN if either is 0.

    Source: Arora, Li & Lyu 2019, arXiv:1812.03981.
    """

    name = "weight_alignment"
    measures = "inner product and cosine of each weight with its gradient"
    unit = "nats; none"
    cost = "a few passes over the weights"
    source = "Arora et al. 2019"
    writes: ClassVar = {"weight_grad_product": "", "weight_grad_cosine": ""}
    at = ("weight",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        observed = {}
        for layer, name in weights(look.grads).items():
            W_Rn, g_Rn = look.params[name].flatten(1).double(), look.grads[name].flatten(1).double()
            product_R = (W_Rn * g_Rn).sum(1)
            observed[layer] = torch.stack([product_R, product_R / (length(W_Rn) * length(g_Rn))], 1)
        return observed

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
