"""Gradient norm of each weight."""

from typing import ClassVar

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class WeightGradNorm(Diagnostic):
    """‖∂L/∂W‖₂ for each weight W (two or more axes), before clipping and weight decay.

    In float64, because in a deep net without norm the squares of the first layers' gradients vanish in float32. Rows
    name the layer that holds the weight. For a normalized weight, W is the learned weight, not the normalized one.
    """

    name = "weight_grad_norm"
    measures = "L2 norm of each weight's gradient"
    unit = "nats per unit of the weight"
    cost = "one pass over the gradients"
    source = "definition"
    writes: ClassVar = {"weight_grad_norm": ""}
    at = ("weight",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return each(look.weight_grads, lambda g_Nn: length(g_Nn)[:, None])

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
