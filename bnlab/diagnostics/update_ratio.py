"""Length of each weight's update relative to the weight's."""

from typing import ClassVar

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look, weights
from bnlab.diagnostics.moments import length
from bnlab.options import Moment


class UpdateRatio(Diagnostic):
    """‖ΔW‖₂ / ‖W‖₂ for each weight W, ΔW the update that is due, with clipping, momentum, weight decay and schedule.

    Unit: none. In float64; weights as in `weight_grad_norm`. Infinite if W is 0, or NaN if ΔW is 0 too. After the last
    update, ΔW is the one that would come next.
    """

    name = "update_ratio"
    measures = "length of each weight's update that is due, relative to the weight's"
    unit = "none"
    cost = "one update of a copy of the parameters"
    source = "definition"
    writes: ClassVar = {"update_ratio": ""}
    at = ("weight",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        updated = look.extra.updated()
        return {
            layer: (length(updated[name].double() - look.params[name].double()) / length(look.params[name]))[:, None]
            for layer, name in weights(look.params).items()
        }

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
