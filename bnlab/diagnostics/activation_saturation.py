"""Share of a bounded activation's outputs near its bounds."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, activated, firings, named_rows
from bnlab.options import Fraction, Moment


class ActivationSaturation(Diagnostic):
    """Share of values closer to a bound of the activation than `margin` times its range, at `after_act` and `hidden`.

    Unit: 0-1. The values tell the activation: within [0, 1] and none exactly 0, sigmoid (a zero among them speaks for
    ReLU; float32's sigmoid gives one only below -103); else within [-1, 1] with some below 0, tanh. Any other site has
    no rows: ReLU, or a norm that stands there and leads out of the bounds. Identity and GELU have rows while their
    values are that small. A NaN anywhere shows as NaN.
    """

    name = "activation_saturation"

    def __init__(self, *, when: list[Moment], margin: Fraction) -> None:
        self.when = when
        self._margin = margin

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        """(R, 5) numbers: smallest, largest, shares of zeros, near 0 or 1, and near -1 or 1; `rows` chooses."""
        inner = 1 - 2 * self._margin  # half the range within the margins, on [-1, 1]
        observed = {}
        for site, x_Rn in firings(activated(sites)):
            low, high = torch.aminmax(x_Rn, dim=1)
            found = (x_Rn == 0, (2 * x_Rn - 1).abs() > inner, x_Rn.abs() > inner)
            observed[site] = torch.stack([low, high, *(mask.double().mean(1) for mask in found)], 1)
        return observed

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        low, high, zeros, sigmoid, tanh = values.tolist()
        if np.isnan(low):
            share = low
        elif low >= 0 and high <= 1 and zeros == 0:
            share = sigmoid
        elif -1 <= low < 0 and high <= 1:
            share = tanh
        else:
            return []
        return named_rows(step, site, (self.name,), (share,))
