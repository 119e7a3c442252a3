"""Mean, standard deviation, minimum and maximum of what passes a site."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, firings, named_rows
from bnlab.options import Moment

NAMES = ("activation_mean", "activation_std", "activation_min", "activation_max")


class ActivationMoments(Diagnostic):
    """Over all examples, features and positions of the batch; the standard deviation is the biased one.

    Units: those of the activation. A NaN anywhere shows as NaN.
    """

    name = "activation_moments"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        moments = {}
        for site, x_Rn in firings(sites):
            low, high = torch.aminmax(x_Rn, dim=1)
            # The mean by itself: std_mean gives NaN for the mean of infinities.
            moments[site] = torch.stack([x_Rn.mean(1), x_Rn.std(1, correction=0), low, high], 1)
        return moments

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, NAMES, values.tolist())
