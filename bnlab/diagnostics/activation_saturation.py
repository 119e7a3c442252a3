"""Share of a bounded activation's outputs near its bounds."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.look import Look, activated
from bnlab.options import Fraction, Moment


class ActivationSaturation(Diagnostic):
    """Share of values closer to a bound of the activation than `margin` times its range, at `after_act` and `hidden`.

    Unit: 0-1. The activation is inferred from all values: sigmoid if they lie in (0, 1] (a 0 suggests ReLU; sigmoid in
    float32 gives 0 only below -103); else tanh if they lie in [-1, 1] with some below 0. Other sites have no rows:
    ReLU, or a norm at the site whose output exceeds the bounds. Identity and GELU have rows while their values are that
    small. NaN propagates. The share is over at most 4096 values of a site (`sample.SAMPLE`).
    """

    name = "activation_saturation"
    measures = "share of sigmoid and tanh outputs near their bounds"
    unit = "0-1"
    cost = "almost none with percentiles, whose sample it shares"
    source = "Glorot & Bengio 2010, section 3"
    writes: ClassVar = {"activation_saturation": ""}
    at = ("after_act", "hidden")

    def __init__(self, *, when: list[Moment], margin: Fraction) -> None:
        self.when = when
        self._margin = margin

    def observe(self, look: Look) -> Named:
        """Return (R, 4) numbers: minimum, maximum, shares near 0 or 1 and near -1 or 1; `rows` chooses a share."""
        shares = each(look.samples, self._shares, activated)
        return {site: torch.cat([look.summaries[site][:, 2:], share], 1) for site, share in shares.items()}

    def _shares(self, sorted_Nn: Tensor) -> Tensor:
        low, high = self._margin, 1 - self._margin
        n = sorted_Nn.shape[1]
        bounds = torch.tensor([low, 2 * low - 1], dtype=torch.float64, device=sorted_Nn.device)
        below_N2 = _below(sorted_Nn, bounds)
        above_N2 = n - _below(sorted_Nn, bounds.new_tensor([high, 2 * high - 1]), right=True)
        return (below_N2 + above_N2).double() / n

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        low, high, sigmoid, tanh = values.tolist()
        if np.isnan(low):
            share = low
        elif low > 0 and high <= 1:
            share = sigmoid
        elif -1 <= low < 0 and high <= 1:
            share = tanh
        else:
            return []
        return named_rows(step, site, self.writes, (share,))


def _below(sorted_Nn: Tensor, bounds: Tensor, right: bool = False) -> Tensor:
    """Return how many values of each row lie below each bound, or (`right`) at or below it."""
    return torch.searchsorted(sorted_Nn.double(), bounds.expand(len(sorted_Nn), -1).contiguous(), right=right)
