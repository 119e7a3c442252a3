"""What the numbers of a report mean, as pure functions of tables (no files, no drawing).

A *cell* is one condition at one learning rate: its runs differ in the seed alone. Planned pairs of rate and seed that
have no run are counted too, so that what is missing stays in sight. Intervals are 95 % over seeds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtrit

TARGET = 0.9  # val accuracy that "epochs to target" waits for
TOLERANCE = 0.05  # val accuracy that a usable rate may lie below the best
_ROUNDING = 1e-12  # two means of the same accuracies, summed in another order, are equal

# Why a usable range is not known to end: the grid ends, or the next cell has no result; "" where the next rate failed.
Edge = Literal["", "grid", "missing"]


@dataclass(frozen=True)
class Estimate:
    """Mean of n values and the half-width of its 95 % t-interval, nan for fewer than two values (mean: than one)."""

    mean: float
    half: float
    n: int


def estimate(values: Iterable[float]) -> Estimate:
    """Mean ± t(0.975, n - 1) · s / sqrt(n), s with n - 1; values that are nan (not measured) are not counted."""
    known = np.array([value for value in values if not math.isnan(value)], dtype=float)
    if len(known) == 0:
        return Estimate(math.nan, math.nan, 0)
    mean = float(known.mean())
    if len(known) == 1:
        return Estimate(mean, math.nan, 1)
    half = float(stdtrit(len(known) - 1, 0.975) * known.std(ddof=1) / math.sqrt(len(known)))
    return Estimate(mean, half, len(known))


@dataclass(frozen=True)
class Cell:
    """The runs of one condition at one rate: how many ended how, and the accuracies (0-1) of the complete ones.

    `absent` counts seeds that were run elsewhere in the study and have no run here.
    """

    lr: float
    complete: int
    diverged: int
    failed: int
    running: int
    refused: int
    absent: int
    val: Estimate
    test: Estimate

    @property
    def finished(self) -> int:
        return self.complete + self.diverged

    @property
    def stable(self) -> bool:
        """Some seed has a val accuracy and none diverged."""
        return self.diverged == 0 and self.val.n > 0

    @property
    def known(self) -> bool:
        """There is a result that says whether the rate works."""
        return self.diverged > 0 or self.val.n > 0


def cells(runs: pd.DataFrame, rates: Iterable[float], seeds: Iterable[int]) -> list[Cell]:
    """The cells of a condition, by ascending rate.

    Args:
        runs: lr, seed, status, val_accuracy, test_accuracy of the condition's runs.
        rates, seeds: the planned grid.
    """
    planned = set(seeds)
    found = []
    for rate in sorted(set(rates) | set(runs["lr"])):
        here = runs[runs["lr"] == rate]
        complete = here[here["status"] == "complete"]
        count = {
            status: int((here["status"] == status).sum()) for status in ("diverged", "failed", "running", "refused")
        }
        found.append(
            Cell(
                lr=rate,
                complete=len(complete),
                **count,
                absent=len(planned - set(here["seed"])),
                val=estimate(complete["val_accuracy"]),
                test=estimate(complete["test_accuracy"]),
            )
        )
    return found


@dataclass(frozen=True)
class Sensitivity:
    """How a condition depends on the learning rate.

    Attributes:
        learned: the best mean val accuracy reached `learning_threshold`; None where classes or accuracy are unknown.
        best_lr: highest mean val accuracy among rates where no seed diverged (ties: the lowest); None where there is
            no such rate or the condition did not learn.
        shown_lr: the rate whose runs stand for the condition: the best one; if it did not learn, the one that got
            furthest; if some seed diverged at every rate, that of the smallest share; None without a finished run.
        lowest, highest: ends of the usable range around best_lr; None without one.
        below, above: whether that end is where usable rates end, or merely where knowledge does.
    """

    learned: bool | None
    best_lr: float | None
    shown_lr: float | None
    lowest: float | None = None
    highest: float | None = None
    below: Edge = ""
    above: Edge = ""

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
        return Sensitivity(None, None, _least_diverged(cells))
    top = max(cells[index].val.mean for index in stable)
    best = next(index for index in stable if cells[index].val.mean >= top - _ROUNDING)
    best_lr = cells[best].lr
    learned = None if classes is None else top >= learning_threshold(classes) - _ROUNDING
    if learned is False:
        return Sensitivity(False, None, best_lr)
    usable = [cell.stable and cell.val.mean >= top - tolerance - _ROUNDING for cell in cells]
    low, below = _walk(cells, usable, best, -1)
    high, above = _walk(cells, usable, best, 1)
    return Sensitivity(learned, best_lr, best_lr, low, high, below, above)


def _walk(cells: Sequence[Cell], usable: Sequence[bool], start: int, direction: int) -> tuple[float, Edge]:
    here = start
    while 0 <= here + direction < len(cells):
        following = here + direction
        if not usable[following]:
            return cells[here].lr, "" if cells[following].known else "missing"
        here = following
    return cells[here].lr, "grid"


def _least_diverged(cells: Sequence[Cell]) -> float | None:
    finished = [cell for cell in cells if cell.finished]
    if not finished:
        return None
    return min(finished, key=lambda cell: (cell.diverged / cell.finished, cell.lr)).lr


@dataclass(frozen=True)
class Target:
    """Epochs until the val accuracy of a cell's runs first reached the target.

    Attributes:
        epochs: over the runs, if all of them reached it (a mean of the quick ones alone would flatter).
        censored: how many never reached it within `budget` epochs.
        runs: how many were evaluated.
    """

    epochs: Estimate
    censored: int
    runs: int
    budget: float


def epochs_to_target(evals: pd.DataFrame, target: float = TARGET) -> Target:
    """From the val evaluations (run_id, epoch, accuracy) of a cell's runs."""
    reached = evals[evals["accuracy"] >= target].groupby("run_id")["epoch"].min()
    runs = int(evals["run_id"].nunique())
    censored = runs - len(reached)
    budget = float(evals["epoch"].max()) if runs else math.nan
    return Target(estimate([] if censored else reached), censored, runs, budget)
