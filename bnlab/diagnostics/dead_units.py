"""Share of units that are 0 for a whole batch."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named, all_but, each
from bnlab.diagnostics.look import Look, activated
from bnlab.options import Moment


class DeadUnits(Diagnostic):
    """Share of units that are exactly 0 for every example, position and firing, at `after_act` and `hidden`.

    Unit: 0-1; a unit is a feature or a channel. Where a norm stands at the site, its output counts, and a
    shift hides dead units. NaN propagates.
    """

    name = "dead_units"
    measures = "share of units that an activation leaves at 0 for the whole batch"
    unit = "0-1"
    cost = "two passes over the activations"
    source = "definition"
    writes: ClassVar = {"dead_units": ""}
    at = ("after_act", "hidden")

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return each(look.blocks, _dead, activated)

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())


def _dead(x: Tensor) -> Tensor:
    axes = all_but(x, 2)
    low_NC, high_NC = x.amin(axes), x.amax(axes)  # both propagate NaN
    share_N1 = ((low_NC == 0) & (high_NC == 0)).double().mean(1, keepdim=True)
    return torch.where(low_NC.isnan().any(1, keepdim=True), torch.nan, share_N1)
