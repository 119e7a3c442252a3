"""Metrics of the learning rates that a condition tolerates."""

import math
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bnlab.report.stats import Edge, Sensitivity, cells, critical, learning_threshold, outcomes, sensitivity
from bnlab.studies.evidence import Selected
from bnlab.studies.metrics.base import Metric
from bnlab.studies.quantity import Bounds, Quantity, Undecided


class CriticalLr(Metric):
    """Rate at which a share of the runs goes wrong (`bnlab.report.stats.critical`), from all rates and seeds together.

    A run goes wrong if it diverges or ends below a val accuracy.

    Attributes:
        accuracy: the lowest val accuracy (0-1) of a run that does not go wrong; None: the learning threshold.
        share: of the runs that go wrong at the critical rate.
        end: the upper end of the rates that work, or the lower one.
    """

    exact: ClassVar[bool] = False
    positive: ClassVar[bool] = True
    sequential: ClassVar[bool] = False
    name: Literal["critical_lr"]
    accuracy: Annotated[float, Field(gt=0, lt=1)] | None = None
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    end: Literal["upper", "lower"] = "upper"

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.runs
        accuracy = self.accuracy
        if accuracy is None:
            classes = runs["classes"].dropna()
            if classes.empty:
                raise Undecided(f"runs of {selected.label} have no accuracy to tell which of them went wrong")
            accuracy = learning_threshold(int(classes.iloc[0]))
        found = critical(outcomes(runs, accuracy), end=self.end, share=self.share)
        if found is None:
            raise Undecided(f"every run of {selected.label} went wrong (diverged, or val accuracy below {accuracy:g})")
        ids = tuple(runs["run_id"])
        return Quantity(
            {}, ids, found.posterior, found.open and self.end == "upper", found.open and self.end == "lower"
        )


class MaxStableLr(Metric):
    """Highest usable rate of each seed (`bnlab.report.stats`). The limit is between it and the next rate of the grid.

    The highest rate at which no seed of several diverges, which tables show, falls with every seed that is added, so it
    cannot be compared between studies. Of one seed at a time it does not.
    """

    exact: ClassVar[bool] = False
    positive: ClassVar[bool] = True
    name: Literal["max_stable_lr"]

    def measure(self, selected: Selected) -> Quantity:
        def one(rates: list[float], found: Sensitivity) -> Bounds:
            low, high, open_end = _edge(rates, found.highest, found.above, 1)
            return Bounds(low, low, math.inf if open_end else high, least=open_end)

        return _of_each_seed(selected, one)


class UsableDecades(Metric):
    """Decades between the lowest and the highest usable rate of each seed, each up to the next rate of the grid."""

    exact: ClassVar[bool] = False
    name: Literal["usable_decades"]

    def measure(self, selected: Selected) -> Quantity:
        def one(rates: list[float], found: Sensitivity) -> Bounds:
            top, beyond, top_open = _edge(rates, found.highest, found.above, 1)
            bottom, below, bottom_open = _edge(rates, found.lowest, found.below, -1)
            width, open_end = math.log10(top / bottom), top_open or bottom_open
            return Bounds(width, width, math.inf if open_end else math.log10(beyond / below), open_end)

        return _of_each_seed(selected, one)


def _edge(rates: list[float], last: float | None, edge: Edge, direction: Literal[1, -1]) -> tuple[float, float, bool]:
    """Return the last usable rate above (or below) the best one, the next rate, and whether the grid ended first."""
    assert last is not None
    return (last, last, True) if edge else (last, rates[rates.index(last) + direction], False)


def _of_each_seed(selected: Selected, one: Callable[[list[float], Sensitivity], Bounds]) -> Quantity:
    """Return a number of each seed, computed from its rates and their sensitivity.

    Raises:
        Undecided: a seed did not learn at any rate.
    """
    runs = selected.grid
    classes = runs["classes"].dropna()
    found = {}
    for seed, mine in runs.groupby("seed"):
        of_seed = cells(mine, mine["lr"], [int(str(seed))])
        its = sensitivity(of_seed, None if classes.empty else int(classes.iloc[0]))
        if its.highest is None:
            raise Undecided(f"{selected.label} did not learn at any rate (seed {seed})")
        found[int(str(seed))] = one([cell.lr for cell in of_seed], its)
    return Quantity(found, tuple(runs["run_id"]))
