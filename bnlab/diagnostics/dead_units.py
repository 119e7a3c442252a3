"""Share of units that give nothing for a whole batch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row, Sites, activated, by_unit, named_rows
from bnlab.options import Moment


class DeadUnits(Diagnostic):
    """Share of units that are exactly 0 for each example, position and firing, at `after_act` and `hidden`.

    Unit: 0-1; a unit is a feature or a channel. Where a norm stands at that site, what it gives counts, and a shift
    hides the dead. A NaN anywhere shows as NaN.
    """

    name = "dead_units"

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        observed = {}
        for site, x_RCn in by_unit(activated(sites)):
            peak_RC = torch.linalg.vector_norm(x_RCn, torch.inf, dim=2)
            share_R1 = (peak_RC == 0).double().mean(1, keepdim=True)
            observed[site] = torch.where(peak_RC.isnan().any(1, keepdim=True), torch.nan, share_R1)
        return observed

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        return named_rows(step, site, (self.name,), values.tolist())
