"""How a condition depends on the learning rate: its best rate and the range of rates that do nearly as well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bnlab.report.stats.cell import ROUNDING, Cell

TOLERANCE = 0.05  # val accuracy that a usable rate may lie below the best

# Why a usable range is not known to end: the grid ends, or the next cell has no result; "" where the next rate failed.
Edge = Literal["", "grid", "missing"]
# Where the best rate lies among those with a result, where there are several: at an end, a better one may lie beyond.
End = Literal["", "lowest", "highest"]


@dataclass(frozen=True)
class Sensitivity:
    """How a condition depends on the learning rate.

    Attributes:
        learned: the best mean val accuracy reached `learning_threshold`; None where classes or accuracy are unknown.
        best_lr: highest mean val accuracy among rates where no seed diverged (ties: the lowest); None where there is
            no such rate or the condition did not learn.
        shown_lr: the rate whose runs stand for the condition: the best one; if it did not learn, the one that got
            furthest; if some seed diverged at every rate, that of the smallest share; where nothing has a val accuracy,
            the one of least loss; None without a finished run.
        lowest, highest: ends of the usable range around best_lr; None without one.
        below, above: whether that end is where usable rates end, or merely where knowledge does.
        best_end: whether best_lr is the lowest or the highest rate with a result.
    """

    learned: bool | None
    best_lr: float | None
    shown_lr: float | None
    lowest: float | None = None
    highest: float | None = None
    below: Edge = ""
    above: Edge = ""
    best_end: End = ""

    @property
    def decades(self) -> float | None:
        """Width of the usable range: log10(highest / lowest)."""
        return math.log10(self.highest / self.lowest) if self.highest and self.lowest else None


def learning_threshold(classes: int) -> float:
    """Twice chance, 2 / classes; half-way from chance to 1 for two classes, where twice chance would ask for 1."""
    return min(2 / classes, (1 + 1 / classes) / 2)


def sensitivity(cells: Sequence[Cell], classes: int | None, tolerance: float = TOLERANCE) -> Sensitivity:
    """Best lr and usable range of a condition with these cells (ascending rates).

    A rate is usable when it is reached from the best one over neighbours where no seed diverged and mean val accuracy
    is at least that of the best minus `tolerance`.
    """
    stable = [index for index, cell in enumerate(cells) if cell.stable]
    if not stable:
        return Sensitivity(None, None, _of_least_loss(cells) or _least_diverged(cells))
    top = max(cells[index].val.mean for index in stable)
    best = next(index for index in stable if cells[index].val.mean >= top - ROUNDING)
    best_lr = cells[best].lr
    learned = None if classes is None else top >= learning_threshold(classes) - ROUNDING
    if learned is False:
        return Sensitivity(False, None, best_lr)
    usable = [cell.stable and cell.val.mean >= top - tolerance - ROUNDING for cell in cells]
    low, below = _walk(cells, usable, best, -1)
    high, above = _walk(cells, usable, best, 1)
    return Sensitivity(learned, best_lr, best_lr, low, high, below, above, _end(cells, best_lr))


def _end(cells: Sequence[Cell], best_lr: float) -> End:
    known = [cell.lr for cell in cells if cell.known]
    if len(known) == 1 or known[0] < best_lr < known[-1]:
        return ""
    return "lowest" if best_lr == known[0] else "highest"


def _walk(cells: Sequence[Cell], usable: Sequence[bool], start: int, direction: int) -> tuple[float, Edge]:
    here = start
    while 0 <= here + direction < len(cells):
        following = here + direction
        if not usable[following]:
            return cells[here].lr, "" if cells[following].known else "missing"
        here = following
    return cells[here].lr, "grid"


def _of_least_loss(cells: Sequence[Cell]) -> float | None:
    known = [cell for cell in cells if cell.diverged == 0 and cell.loss.n]
    return min(known, key=lambda cell: (math.isnan(cell.loss.mean), cell.loss.mean, cell.lr)).lr if known else None


def _least_diverged(cells: Sequence[Cell]) -> float | None:
    finished = [cell for cell in cells if cell.finished]
    if not finished:
        return None
    return min(finished, key=lambda cell: (cell.diverged / cell.finished, cell.lr)).lr
