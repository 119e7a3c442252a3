"""Gradient of the loss with respect to each hidden state of a recurrent net."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment


class GradThroughTime(Diagnostic):
    """‖∂L/∂h_t‖₂ of the mean loss L with respect to the whole batch's hidden states at step t, at each site `hidden`.

    h_t is the output of the site, after a norm that stands there; ∂L/∂h_t covers every path from it to the loss,
    including those through later steps. The index of a row is t, from 1. Unit: nats per unit of the activation. In
    float64. With gradients accumulated over batches, for the first one only.

    Source: Cooijmans et al. 2016, arXiv:1603.09025, figure 1.
    """

    name = "grad_through_time"
    measures = "L2 norm of the gradient with respect to the hidden state at each time step"
    unit = "nats per unit of the activation"
    cost = "one pass over the hidden states"
    source = "Cooijmans et al. 2016, fig. 1"
    writes: ClassVar = {"grad_through_time": "time step"}
    at = ("hidden",)
    needs = ("site_grads",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return {
            site: torch.linalg.vector_norm(torch.stack(grads, 1).flatten(2), dim=2, dtype=torch.float64)
            for site, grads in look.site_grads.items()
            if site.rpartition(".")[2] == "hidden"
        }

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return [
            {"step": step, "site": site, "diagnostic": self.name, "index": t, "value": value}
            for t, value in enumerate(values.tolist(), 1)
        ]
