"""The input of tables and figures: the runs of some studies, grouped into conditions and cells."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from bnlab.report.by_run import ByRun
from bnlab.report.condition import (
    Axes,
    Condition,
    exact,
    told_apart,
)
from bnlab.report.configuration import constants, in_words
from bnlab.report.consistency import consistent
from bnlab.report.escaping import clipped, few
from bnlab.report.figure_text import listed
from bnlab.report.panels import MOST, panels, variants
from bnlab.report.rates import critical_rates, in_panels, of_grid
from bnlab.report.stats import Cell, Critical, Sensitivity, cells, paired, sensitivity
from bnlab.report.stats.estimate import Estimate
from bnlab.report.style import Style, styles
from bnlab.report.target_times import TargetTimes, target_times
from bnlab.runs.reader import Runs
from bnlab.text import printable

_PANELS = 12  # panels per figure


@dataclass(frozen=True)
class Frame:
    """The runs of a report.

    Attributes:
        runs: run_id, study, condition (index in `conditions`), lr, seed, status, cause, diverged_at, seconds and the
            final metrics of each run.
        axes: axes that distinguish conditions, norm first.
        target, tolerance: val accuracies (0-1), see `stats`.
        damaged: files of runs that are left out, each with the reason; grows as files are read. The run itself is
            kept if its run.json is valid.
    """

    source: Runs
    studies: list[Path]
    runs: pd.DataFrame
    conditions: list[Condition]
    axes: list[str]
    target: float
    tolerance: float
    damaged: dict[Path, str] = field(default_factory=dict)

    @cached_property
    def finished(self) -> list[int]:
        """Indices of the conditions that have a finished run: those that figures draw."""
        done = self.runs["status"].isin(["complete", "diverged"])
        return sorted(set(self.runs.loc[done, "condition"]))

    @cached_property
    def styles(self) -> dict[int, Style]:
        """Style of each condition that is drawn."""
        return dict(zip(self.finished, styles([self.conditions[place] for place in self.finished]), strict=True))

    @cached_property
    def panels(self) -> list[tuple[str, list[int]]]:
        """Conditions to draw in one plot: (title, indices), at most `_PANELS` of them.

        Conditions without a finished run are in no panel.
        """
        return self._every_panel[:_PANELS]

    @cached_property
    def _every_panel(self) -> list[tuple[str, list[int]]]:
        found = panels([self.conditions[place] for place in self.finished])
        return [(title, [self.finished[number] for number in numbers]) for title, numbers in found]

    def name(self, place: int) -> str:
        """Return a condition's name within its panel, whose title (if any) names the variant."""
        condition = self.conditions[place]
        split = len(self.panels) > 1 and self.panels[0][0]
        name = clipped(condition.norm if split else condition.label)
        return listed(name)

    def rate(self, lr: float | None) -> str:
        """Return a learning rate as text, with enough digits to distinguish it from the others; a dash for None."""
        return "–" if lr is None else self._spelt[exact(float(lr))]

    @cached_property
    def _spelt(self) -> dict[Hashable, str]:
        return told_apart(self.rates)

    def at_best(self, place: int, name: str) -> str:
        """Return a condition's name with the rate that represents it, and whether it did not learn."""
        found = self.sensitivity[place]
        idle = ", did not learn" if found.learned is False else ""
        return f"{name}, lr {self.rate(found.shown_lr)}{idle}"

    @cached_property
    def arrangement(self) -> str:
        """Caption text on panels that are split and conditions that are in no panel; "" if there are none."""
        parts = []
        drawn = [self.conditions[place] for place in self.finished]
        if len(self._every_panel) > len(self.panels):
            parts.append(f"{len(self.panels)} of {len(self._every_panel)} panels are drawn. ")
        if len(self._every_panel) > len(variants(drawn)):
            norms = {condition.norm for condition in drawn}
            reference = ", plus the norm none in each as the reference" if "none" in norms and len(norms) > 1 else ""
            parts.append(f"At most {MOST} conditions per panel{reference}. ")
        missing = [one.label for place, one in enumerate(self.conditions) if place not in self.finished]
        if missing:
            parts.append(f"Not drawn, because no run has finished: {few(missing)}. ")
        return "".join(parts)

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """Cells of each condition, in ascending order of rate."""
        return [self._cells(place) for place in range(len(self.conditions))]

    @cached_property
    def sensitivity(self) -> list[Sensitivity]:
        """Best rate and usable range of each condition."""
        every = range(len(self.conditions))
        return [sensitivity(self._candidates(place), self.classes(place), self.tolerance) for place in every]

    @property
    def is_searched(self) -> bool:
        """Whether there are more rates than a grid has."""
        return self.panel_rates != self.rates

    def grid_cells(self, place: int) -> list[Cell]:
        """Return the cells of a grid: all of them, but for the rates that a search tried once."""
        if not self.is_searched:
            return self.cells[place]
        rates = of_grid(self.of(place))
        return [cell for cell in self.cells[place] if cell.lr in rates]

    def _candidates(self, place: int) -> list[Cell]:
        """Return the cells among which a condition's best rate is: its grid, if it has several rates."""
        grid = self.grid_cells(place)
        return grid if len(grid) > 1 else self.cells[place]

    def critical(self, place: int) -> tuple[Critical | None, Critical | None]:
        """Return the upper and the lower critical rate of a condition; None without runs at several rates that work."""
        if place not in self._critical:
            self._critical[place] = critical_rates(self.of(place), self.classes(place))
        return self._critical[place]

    @cached_property
    def _critical(self) -> dict[int, tuple[Critical | None, Critical | None]]:
        return {}

    def classes(self, place: int) -> int | None:
        """Return the number of classes of a condition's data; None for regression."""
        known = {self.source.infos[run_id]["classes"] for run_id in self.of(place)["run_id"]}
        return max((value for value in known if value), default=None)

    def of(self, place: int, lr: float | None = None, status: str | None = None) -> pd.DataFrame:
        """Return the runs of a condition, optionally only those at one rate or of one status."""
        runs = self._by_condition[place]
        if lr is not None:
            runs = runs[runs["lr"] == lr]
        return runs if status is None else runs[runs["status"] == status]

    @cached_property
    def _by_condition(self) -> list[pd.DataFrame]:
        parts = dict(iter(self.runs.groupby("condition")))
        return [parts[place] for place in range(len(self.conditions))]

    def at_shown(self, place: int) -> pd.DataFrame:
        """Return the complete runs that represent a condition, at its best (or nearest to best) rate, by seed."""
        lr = self.sensitivity[place].shown_lr
        runs = self.of(place, lr, "complete") if lr is not None else self.runs.iloc[:0]
        return runs.sort_values("seed")

    def by_seed(self, place: int, metric: str, lr: float | None = None) -> pd.Series:
        """Return a final metric of a condition's complete runs at one rate, by default the one that represents it."""
        runs = self.at_shown(place) if lr is None else self.of(place, lr, "complete")
        return runs.groupby("seed")[metric].mean()

    @cached_property
    def references(self) -> dict[int, int]:
        """The condition that each one is compared with: the first of its variant, `none` if it was run."""
        found: dict[int, int] = {}
        for _, numbers in variants([self.conditions[place] for place in self.finished]):
            places = [self.finished[number] for number in numbers]
            found = dict.fromkeys(places[1:], places[0]) | found
        return found

    def difference(self, place: int, reference: int, metric: str) -> Estimate:
        """Return a final metric of a condition minus that of another, each at its best rate, paired by seed."""
        return paired(self.by_seed(place, metric), self.by_seed(reference, metric))

    def shown_cell(self, place: int) -> Cell | None:
        """Return the cell that represents a condition: that of its best (or nearest to best) rate."""
        lr = self.sensitivity[place].shown_lr
        return next((cell for cell in self.cells[place] if cell.lr == lr), None)

    @cached_property
    def score(self) -> str:
        """Metric that conditions are compared by: test accuracy, or val accuracy if nothing was tested."""
        complete = self.runs[self.runs["status"] == "complete"]
        return "test_accuracy" if complete["test_accuracy"].notna().any() else "val_accuracy"

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of `runs.schema`: run_id, then its columns; damaged files go to `damaged` instead."""
        if name not in self._tables:
            rows = getattr(self.source, name)
            self.damaged.update(self.source.damaged or {})
            self._tables[name], reasons = consistent(rows, name)
            for run_id, reason in reasons.items():
                path = self.source.folders[run_id] / f"{name}.csv"
                self.damaged[path] = f"{printable(str(path))} is damaged ({reason})"
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def steps(self) -> ByRun:
        """Training metrics by step."""
        return ByRun(self.table("steps"))

    @cached_property
    def val_evals(self) -> ByRun:
        """Evaluations of the val split with running statistics."""
        evals = self.table("evals")
        return ByRun(evals[(evals["split"] == "val") & (evals["mode"] == "running")])

    @cached_property
    def rates(self) -> list[float]:
        """All learning rates, ascending."""
        return sorted(set(self.runs["lr"].tolist()))

    @cached_property
    def panel_rates(self) -> list[float]:
        """The rates that panels and columns show."""
        return in_panels(self.runs)

    @cached_property
    def target_times(self) -> list[TargetTimes]:
        """Times to the target of each condition."""
        return [
            target_times(self.at_shown(place), self.val_evals, self.steps, self.source.infos, self.target)
            for place in range(len(self.conditions))
        ]

    @cached_property
    def has_accuracy(self) -> bool:
        """Whether any finished run has a val accuracy."""
        done = self.runs["status"].isin(["complete", "diverged"])
        return bool(self.runs.loc[done, "val_accuracy"].notna().any())

    @cached_property
    def seeds(self) -> str:
        """Number of seeds per cell: "3 seeds", "1 to 3 seeds"."""
        return span(self.runs.groupby(["condition", "lr"])["seed"].nunique())

    @cached_property
    def constants(self) -> dict[str, str]:
        """Value of each axis that does not distinguish conditions: "1e-05", or "1e-05 (batch), 1e-06 (layer)"."""
        return constants(self._every_axes, self.axes)

    @cached_property
    def repeated(self) -> int:
        """Number of runs that share condition, lr and seed with an earlier one, as after a change of the data."""
        return int(self.runs.duplicated(["condition", "lr", "seed"]).sum())

    @cached_property
    def configuration(self) -> str:
        """The settings that all runs share, as one line for captions."""
        return in_words(self._every_axes, self.axes)

    @property
    def _every_axes(self) -> list[Axes]:
        return [info["axes"] for info in self.source.infos.values()]

    def _cells(self, place: int) -> list[Cell]:
        """Return a condition's cells; its grid is that of its studies and optimizer, which have their own rates.

        After a search each condition has rates and seeds of its own, of which none is missing elsewhere.
        """
        mine = self.of(place)
        if self.is_searched:
            return cells(mine, [], [])
        peers = self.runs[self.runs["grid"].isin(set(mine["grid"]))]
        return cells(mine, peers["lr"], peers["seed"])


def span(counts: Iterable[int]) -> str:
    """Return a number of seeds as text: "3 seeds", "1 seed", "2 to 3 seeds"."""
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low} {'seed' if low == 1 else 'seeds'}" if low == high else f"{low} to {high} seeds"
