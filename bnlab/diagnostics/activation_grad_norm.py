"""Norm of the gradient with respect to a site's activations."""

from typing import ClassVar

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, blocks, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class ActivationGradNorm(Diagnostic):
    """‖∂L/∂a‖₂ of the mean loss L with respect to a, all outputs of a site in the batch, firings together.

    A shortcut past the site does not contribute. Unit: nats per unit of the activation. In float64. With gradients
    accumulated over batches, for the first one only.

    Source: Yang et al. 2019, arXiv:1902.08129, on its growth with depth.
    """

    name = "activation_grad_norm"
    measures = "L2 norm of the gradient with respect to each site's activations"
    unit = "nats per unit of the activation"
    cost = "one pass over the activations"
    source = "Yang et al. 2019"
    writes: ClassVar = {"activation_grad_norm": ""}
    at = ("site",)
    needs = ("site_grads",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return each(blocks(look.site_grads), lambda g: length(g)[:, None])

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
