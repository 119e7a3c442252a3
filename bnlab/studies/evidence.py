"""The evidence for claims: the planned runs and their results."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bnlab.report.condition import LR, SEED
from bnlab.report.stats import Cell, Sensitivity, cells, sensitivity
from bnlab.runs.reader import Runs
from bnlab.studies.quantity import Undecided

Axes = Mapping[str, Any]

_FACTS = ("val_accuracy", "test_accuracy", "train_accuracy", "val_loss", "train_loss")
_REASONS = {"failed": "failed", "running": "unfinished", "absent": "not started", "refused": "refused"}


class Evidence:
    """The results of the planned runs.

    Attributes:
        planned: the axes of each planned run by run_id; other runs in the folder are ignored.
        source: the run folders.
        searched: the planned runs at rates that a search chose. They do not belong to a grid of rates and seeds.
        choosing: the seeds that choose the best rate of a condition; None: all.
    """

    def __init__(
        self,
        planned: Mapping[str, Axes],
        source: Runs,
        *,
        searched: Collection[str] = (),
        choosing: Collection[int] | None = None,
    ) -> None:
        self.planned = planned
        self.source = source
        self.searched = searched
        self.choosing = choosing

    def listed(self) -> "Evidence":
        """Return the evidence without the runs at searched rates."""
        return self if not self.searched else self._of(set(self.planned) - set(self.searched), None)

    def at_look(self, n: int, first: int) -> "Evidence":
        """Return the evidence of the first n seeds. The rates are chosen by the first look, of `first` seeds.

        Later looks train only the chosen rates, so the choice must not depend on them.
        """
        seeds = sorted({int(axes[SEED]) for axes in self.planned.values()})
        some = {run_id for run_id, axes in self.planned.items() if int(axes[SEED]) in seeds[:n]}
        return self._of(some, seeds[:first])

    def _of(self, run_ids: Collection[str], choosing: Collection[int] | None) -> "Evidence":
        found = copy(self)
        found.planned = {run_id: axes for run_id, axes in self.planned.items() if run_id in run_ids}
        found.searched, found.choosing = (), choosing
        found.runs = self.runs[self.runs["run_id"].isin(found.planned)]
        return found

    @classmethod
    def of_all(cls, source: Runs) -> "Evidence":
        """Return the evidence of all existing runs, as if exactly these had been planned."""
        return cls({run_id: info["axes"] for run_id, info in source.infos.items()}, source)

    def table(self, run_ids: Iterable[str], name: str) -> pd.DataFrame:
        """Return the rows of these runs from a table of `runs.schema`, with their run_id."""
        return self.source.table(name, run_ids)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per planned run: run_id, lr, seed, status, cause, classes and final metrics."""
        rows = []
        for run_id, axes in self.planned.items():
            info = self.source.infos.get(run_id) or {"status": "absent", "cause": None, "classes": None, "metrics": {}}
            row = {name: info[name] for name in ("status", "cause", "classes")}
            row |= {name: info["metrics"].get(name) for name in _FACTS}
            rows.append({"run_id": run_id, "lr": float(axes[LR]), "seed": int(axes[SEED])} | row)
        table = pd.DataFrame(rows)
        return table.astype(dict.fromkeys(_FACTS, "float64"))


@dataclass(frozen=True)
class Selected:
    """The runs of one condition, over its rates and seeds.

    Attributes:
        label: the name of the condition in reasons.
        run_ids: the planned runs of the condition.
    """

    evidence: Evidence
    label: str
    run_ids: tuple[str, ...]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The condition's rows of `Evidence.runs`, all with status complete or diverged.

        Raises:
            Undecided: there are no runs, or one has no result.
        """
        every = self.evidence.runs
        mine = every[every["run_id"].isin(self.run_ids)]
        if mine.empty:
            raise Undecided(f"no run of {self.label}")
        for status, word in _REASONS.items():
            here = mine[mine["status"] == status]
            if len(here):
                cause = next((f": {cause}" for cause in here["cause"] if cause), "")
                raise Undecided(f"{len(here)} of {len(mine)} runs of {self.label} {word}{cause}")
        return mine

    @cached_property
    def grid(self) -> pd.DataFrame:
        """The runs at all rates, of the seeds that have all of them."""
        n_rates = self.runs["lr"].nunique()
        complete = self.runs.groupby("seed")["lr"].transform("nunique") == n_rates
        return self.runs[complete]

    @cached_property
    def cells(self) -> list[Cell]:
        """The cells of the condition, by ascending rate, of the seeds that choose the best one."""
        chosen = self.evidence.choosing
        runs = self.runs if chosen is None else self.runs[self.runs["seed"].isin(chosen)]
        return cells(runs, runs["lr"], runs["seed"])

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """The best rate of the condition and its usable range."""
        classes = self.runs["classes"].dropna()
        return sensitivity(self.cells, None if classes.empty else int(classes.iloc[0]))

    @cached_property
    def at_best(self) -> pd.DataFrame:
        """The runs at the best rate (the only rate, if the claim names it), by ascending seed.

        Raises:
            Undecided: at every rate a run diverged, or no run has a val accuracy to choose the rate by.
        """
        found = self.sensitivity
        lr = found.shown_lr if found.learned is False else found.best_lr
        if lr is None:
            lost = sum(cell.diverged for cell in self.cells)
            if lost == 0 and len(self.cells) == 1:
                return self.runs.sort_values("seed")
            if lost == 0:
                raise Undecided(f"no run of {self.label} has a val accuracy to choose a learning rate by")
            raise Undecided(f"{lost} of {len(self.runs)} runs of {self.label} diverged, at least one at every rate")
        return self.runs[self.runs["lr"] == lr].sort_values("seed")
