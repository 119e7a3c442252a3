"""Mean, standard deviation and largest magnitude of each weight's gradient."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, named_rows, weights
from bnlab.options import Moment

NAMES = ("weight_grad_mean", "weight_grad_std", "weight_grad_max")


class WeightGradMoments(Diagnostic):
    """Mean, biased standard deviation and max |.| over the elements of ∂L/∂W, before clipping and weight decay.

    Units: nats per unit of the weight. In float64; which weights, as in `weight_grad_norm`. A NaN shows as NaN.
    """

    name = "weight_grad_moments"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        return {
            # The mean by itself: std_mean gives NaN for the mean of infinities.
            layer: torch.stack([g_Rn.mean(1), g_Rn.std(1, correction=0), g_Rn.abs().amax(1)], 1)
            for layer, g_Rn in weights(grads)
        }

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, NAMES, values.tolist())
