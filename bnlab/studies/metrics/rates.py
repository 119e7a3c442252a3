"""What is read off the grid of learning rates, of all seeds together."""

import math
from typing import ClassVar, Literal

from bnlab.studies.evidence import Selected
from bnlab.studies.known import Bounds, Known, Undecided
from bnlab.studies.metrics.base import Metric


class MaxStableLr(Metric):
    """The highest usable rate (`bnlab.report.stats`). The limit lies between it and the next rate of the grid."""

    exact: ClassVar[bool] = False
    name: Literal["max_stable_lr"]

    def measure(self, selected: Selected) -> Known:
        low, high, open_end = _edge(selected, 1)
        return _whole(selected, Bounds(low, low, math.inf if open_end else high, least=open_end))


class UsableDecades(Metric):
    """Decades from the lowest to the highest usable rate; each end may lie up to the next rate of the grid."""

    exact: ClassVar[bool] = False
    name: Literal["usable_decades"]

    def measure(self, selected: Selected) -> Known:
        top, beyond, top_open = _edge(selected, 1)
        bottom, below, bottom_open = _edge(selected, -1)
        width = math.log10(top / bottom)
        open_end = top_open or bottom_open
        return _whole(selected, Bounds(width, width, math.inf if open_end else math.log10(beyond / below), open_end))


def _edge(selected: Selected, direction: Literal[1, -1]) -> tuple[float, float, bool]:
    """The last usable rate upward (or downward) from the best, the next rate, and whether the grid ended first."""
    selected.at_best  # noqa: B018 - raises where there is no rate without divergence
    found = selected.sensitivity
    last, edge = (found.highest, found.above) if direction == 1 else (found.lowest, found.below)
    if last is None:
        raise Undecided(f"{selected.label} did not learn at any rate")
    if edge:
        return last, last, True
    rates = [cell.lr for cell in selected.cells]
    return last, rates[rates.index(last) + direction], False


def _whole(selected: Selected, bounds: Bounds) -> Known:
    """What all seeds of the condition give together."""
    return Known({None: bounds}, int(selected.runs["seed"].nunique()), tuple(selected.runs["run_id"]))
