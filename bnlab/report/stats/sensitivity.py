"""Learning-rate sensitivity of a condition: its best rate and the range of rates that are nearly as good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bnlab.report.stats.cell import ROUNDING, Cell

TOLERANCE = 0.05  # how far the val accuracy of a usable rate may lie below the best

# Why the end of a usable range is unknown: the grid ends, or the next cell has no result; "" if the next rate is bad.
Edge = Literal["", "grid", "missing"]
# Position of the best rate among several rates with a result: at an end, a better one may lie beyond.
End = Literal["", "lowest", "highest"]


@dataclass(frozen=True)
class Sensitivity:
    """Learning-rate sensitivity of a condition.

    Attributes:
        learned: whether the best mean val accuracy reached `learning_threshold`; None if the number of classes or the
            accuracy is unknown.
        best_lr: rate with the highest mean val accuracy among rates where no seed diverged (ties: the lowest rate);
            None if there is no such rate or the condition did not learn.
        shown_lr: the rate whose runs represent the condition: the best one; if the condition did not learn, the one of
            highest val accuracy; if no run has a val accuracy, the one of least loss; if a seed diverged at every rate,
            the one with the smallest share of diverged seeds; None without a finished run.
        lowest, highest: ends of the usable range around best_lr; None without one.
        below, above: why that end of the usable range is unknown; "" if it is known.
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
        """Width of the usable range in decades: log10(highest / lowest); None without one."""
        return math.log10(self.highest / self.lowest) if self.highest and self.lowest else None


def learning_threshold(classes: int) -> float:
    """Return twice chance, 2 / classes; for two classes half-way from chance to 1, because twice chance would be 1."""
    return min(2 / classes, (1 + 1 / classes) / 2)


def sensitivity(cells: Sequence[Cell], classes: int | None, tolerance: float = TOLERANCE) -> Sensitivity:
    """Return the best rate and the usable range of a condition with these cells (in ascending order of rate).

    A rate is usable if at it, and at all rates between it and the best one, no seed diverged and the mean val accuracy
    is at least that of the best rate minus `tolerance`.
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
