"""Mean, standard deviation and largest magnitude of each weight's gradient."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.moments import summary
from bnlab.options import Moment


class WeightGradMoments(Diagnostic):
    """Mean, biased standard deviation and max |.| over the elements of ∂L/∂W, before clipping and weight decay.

    Unit: nats per unit of the weight. In float64; weights as in `weight_grad_norm`. NaN propagates.
    """

    name = "weight_grad_moments"
    measures = "mean, standard deviation and largest magnitude of each weight's gradient"
    unit = "nats per unit of the weight"
    cost = "a few passes over the gradients"
    source = "definition"
    writes: ClassVar = {"weight_grad_mean": "", "weight_grad_std": "", "weight_grad_max": ""}
    at = ("weight",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return each(look.weight_grads, _moments)

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())


def _moments(g_Nn: Tensor) -> Tensor:
    mean_N, std_N, low_N, high_N = summary(g_Nn).unbind(1)
    return torch.stack([mean_N, std_N, torch.maximum(-low_N, high_N)], 1)
