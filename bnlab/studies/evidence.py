"""The runs that claims are judged by: what was planned, and what came out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from bnlab.report.condition import LR, SEED
from bnlab.report.stats import Cell, Sensitivity, cells, sensitivity
from bnlab.runs.reader import Runs
from bnlab.studies.known import Undecided

Axes = Mapping[str, Any]

_FACTS = ("val_accuracy", "test_accuracy", "train_accuracy", "val_loss", "train_loss")
_REASONS = {"failed": "failed", "running": "unfinished", "absent": "never begun", "refused": "refused"}


class Evidence:
    """What the planned runs left.

    Attributes:
        planned: the axes of each planned run by run_id; other runs of the folder do not count.
        source: the run folders.
    """

    def __init__(self, planned: Mapping[str, Axes], source: Runs) -> None:
        self.planned = planned
        self.source = source

    @classmethod
    def of_all(cls, source: Runs) -> "Evidence":
        """As if all runs that are there, and no others, had been planned."""
        return cls({run_id: info["axes"] for run_id, info in source.infos.items()}, source)

    def table(self, run_ids: Iterable[str], name: str) -> pd.DataFrame:
        """The rows of these runs in one of the tables of `runs.schema`, with their run_id."""
        return self.source.table(name, run_ids)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """run_id, lr, seed, status, cause, classes and final metrics of each planned run."""
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
        label: what the condition is called in reasons.
        run_ids: its planned runs.
    """

    evidence: Evidence
    label: str
    run_ids: tuple[str, ...]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Its rows of `Evidence.runs`; all of them have ended complete or diverged.

        Raises:
            Undecided: there is none, or one has no result.
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
    def cells(self) -> list[Cell]:
        """Its rates, ascending."""
        return cells(self.runs, self.runs["lr"], self.runs["seed"])

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """Its best rate and the usable range."""
        classes = self.runs["classes"].dropna()
        return sensitivity(self.cells, None if classes.empty else int(classes.iloc[0]))

    @cached_property
    def at_best(self) -> pd.DataFrame:
        """Its runs at its best rate (the one rate, where the claim names it), by ascending seed.

        Raises:
            Undecided: some run diverged at every rate, or none has a val accuracy to choose one by.
        """
        found = self.sensitivity
        lr = found.shown_lr if found.learned is False else found.best_lr
        if lr is None:
            lost = sum(cell.diverged for cell in self.cells)
            if lost == 0 and len(self.cells) == 1:
                return self.runs.sort_values("seed")
            if lost == 0:
                raise Undecided(f"no run of {self.label} has a val accuracy to choose a learning rate by")
            raise Undecided(f"{lost} of {len(self.runs)} runs of {self.label} diverged, some at every rate")
        return self.runs[self.runs["lr"] == lr].sort_values("seed")
