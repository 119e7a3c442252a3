"""What tables and figures draw from: the runs of some studies, sorted into conditions and cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from bnlab.errors import BadInput
from bnlab.report.condition import (
    LR,
    SEED,
    Condition,
    conditions,
    has,
    owner,
    short,
    text,
    varying_axes,
)
from bnlab.report.panels import MOST, panels, variants
from bnlab.report.stats import Cell, Sensitivity, cells, sensitivity
from bnlab.report.style import Style, styles
from bnlab.runs.reader import Runs, load
from bnlab.runs.schema import METRICS

# Constant axes that a caption names, in its order; the page lists the others.
_CAPTION = (
    "model", "model.depth", "model.width", "model.activation", "placement", "data", "data.train_size",
    "data.batch_size", "optim", "optim.momentum", "optim.weight_decay", "schedule", "epochs", "steps", "clip",
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """The runs of a report.

    Attributes:
        runs: run_id, study, condition (place in `conditions`), lr, seed, status, cause, diverged_at, seconds and the
            final metrics of each run.
        axes: axes that tell conditions apart, norm first.
        target, tolerance: val accuracies (0-1), see `stats`.
    """

    source: Runs
    studies: list[Path]
    runs: pd.DataFrame
    conditions: list[Condition]
    axes: list[str]
    target: float
    tolerance: float

    @cached_property
    def finished(self) -> list[int]:
        """The conditions (places) that have a finished run: those that figures draw."""
        done = self.runs["status"].isin(["complete", "diverged"])
        return sorted(set(self.runs.loc[done, "condition"]))

    @cached_property
    def styles(self) -> dict[int, Style]:
        """The style of each condition that is drawn."""
        return dict(zip(self.finished, styles([self.conditions[place] for place in self.finished]), strict=True))

    @cached_property
    def panels(self) -> list[tuple[str, list[int]]]:
        """Conditions that belong in one picture: (title, places). Those without a finished run are in none."""
        found = panels([self.conditions[place] for place in self.finished])
        return [(title, [self.finished[number] for number in numbers]) for title, numbers in found]

    def name(self, place: int) -> str:
        """A condition's name within its panel, whose title (where there is one) tells the variant."""
        condition = self.conditions[place]
        return condition.norm if len(self.panels) > 1 and self.panels[0][0] else condition.label

    @cached_property
    def arrangement(self) -> str:
        """For captions: that panels are split, and which conditions are in none; "" where there is nothing to say."""
        parts = []
        drawn = [self.conditions[place] for place in self.finished]
        if len(self.panels) > len(variants(drawn)):
            norms = {condition.norm for condition in drawn}
            reference = ", and none in each for reference" if "none" in norms and len(norms) > 1 else ""
            parts.append(f"At most {MOST} conditions a panel{reference}. ")
        missing = [one.label for place, one in enumerate(self.conditions) if place not in self.finished]
        if missing:
            parts.append(f"Not drawn, for no run has finished: {', '.join(missing)}. ")
        return "".join(parts)

    @cached_property
    def cells(self) -> list[list[Cell]]:
        """The cells of each condition, by ascending rate."""
        return [self._cells(place) for place in range(len(self.conditions))]

    @cached_property
    def sensitivity(self) -> list[Sensitivity]:
        """Best lr and usable range of each condition."""
        return [sensitivity(cells, self.classes(place), self.tolerance) for place, cells in enumerate(self.cells)]

    def classes(self, place: int) -> int | None:
        """Classes of a condition's data; None for regression."""
        known = {self.source.infos[run_id]["classes"] for run_id in self.of(place)["run_id"]}
        return max((value for value in known if value), default=None)

    def of(self, place: int, lr: float | None = None, status: str | None = None) -> pd.DataFrame:
        """The runs of a condition, all or those at one rate, of one status."""
        keep = self.runs["condition"] == place
        if lr is not None:
            keep &= self.runs["lr"] == lr
        if status is not None:
            keep &= self.runs["status"] == status
        return self.runs[keep]

    def at_shown(self, place: int) -> pd.DataFrame:
        """The complete runs that stand for a condition: those at its best (or nearest to best) rate, by seed."""
        lr = self.sensitivity[place].shown_lr
        runs = self.of(place, lr, "complete") if lr is not None else self.runs.iloc[:0]
        return runs.sort_values("seed")

    @cached_property
    def rates(self) -> list[float]:
        """Every learning rate, ascending."""
        return sorted(set(self.runs["lr"]))

    @cached_property
    def has_accuracy(self) -> bool:
        """Whether any finished run has a val accuracy."""
        done = self.runs["status"].isin(["complete", "diverged"])
        return bool(self.runs.loc[done, "val_accuracy"].notna().any())

    @cached_property
    def seeds(self) -> str:
        """How many seeds a cell has: "3 seeds", "1 to 3 seeds"."""
        return span(self.runs.groupby(["condition", "lr"])["seed"].nunique())

    @cached_property
    def constants(self) -> dict[str, str]:
        """Each axis that does not tell conditions apart, with its value: "1e-05", or "1e-05 (batch), 1e-06 (layer)"."""
        every = [info["axes"] for info in self.source.infos.values()]
        found = {}
        for name in sorted({name for axes in every for name in axes} - {LR, SEED, *self.axes}):
            owners: dict[str, list[str]] = {}
            for axes in every:
                if has(axes, name):
                    owners.setdefault(text(axes[name]), []).append(text(axes.get(owner(name, axes))))
            if len(owners) == 1:
                found[name] = next(iter(owners))
            elif owners:
                found[name] = ", ".join(f"{value} ({', '.join(sorted(set(of)))})" for value, of in owners.items())
        return found

    @cached_property
    def repeated(self) -> int:
        """Runs that share condition, lr and seed with an earlier one, as when data changed under its name."""
        return int(self.runs.duplicated(["condition", "lr", "seed"]).sum())

    @cached_property
    def configuration(self) -> str:
        """What is the same in every run, in a line for captions."""
        names = set(self.constants) | set(self.axes) | {LR}
        parts = []
        for name in _CAPTION:
            if self.constants.get(name) not in (None, "null"):
                parts.append(f"{short(name, names) if '.' in name else name} {self.constants[name]}")
        return ", ".join(parts)

    def _cells(self, place: int) -> list[Cell]:
        """A condition's grid is that of its studies and optimizer: optimizers are swept over rates of their own."""
        mine = self.of(place)
        peers = self.runs[self.runs["grid"].isin(set(mine["grid"]))]
        return cells(mine, peers["lr"], peers["seed"])


def read(studies: Sequence[Path], target: float, tolerance: float) -> Frame:
    """The frame of these studies (folders of studies or of single runs).

    Errors: BadInput where a folder is no study, or a run has no learning rate or seed to place it by.
    """
    source = load(list(studies))
    every = [info["axes"] for info in source.infos.values()]
    for run_id, axes in zip(source.infos, every, strict=True):
        if not isinstance(axes.get(LR), int | float) or not isinstance(axes.get(SEED), int):
            raise BadInput(f"{source.folders[run_id] / 'run.json'} has no {LR} or no {SEED} among its axes: remove it")
    axes = varying_axes(every)
    found, places = conditions(every, axes)
    table = source.runs
    columns = ["run_id", "study", "status", "cause", "diverged_at", "seconds", *METRICS]
    runs = table[columns].assign(
        condition=places,
        lr=table[LR].astype("float64"),
        seed=table[SEED],
        grid=[f"{study}/{one.get('optim')}" for study, one in zip(table["study"], every, strict=True)],
    )
    metrics = {name: runs[name].astype("float64") for name in METRICS}
    return Frame(source, list(studies), runs.assign(**metrics), found, axes, target, tolerance)


def span(counts: Iterable[int]) -> str:
    """ "3 seeds", "1 seed", "2 to 3 seeds"."""
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low} {'seed' if low == 1 else 'seeds'}" if low == high else f"{low} to {high} seeds"
