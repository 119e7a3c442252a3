"""Cells: the runs of one condition at one learning rate, which differ in the seed alone."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bnlab.report.stats.estimate import Estimate, estimate

# Accuracies are shares of at most some 10,000 examples; what lies closer together is the same, but for rounding.
ROUNDING = 1e-7
COUNTS = ("complete", "diverged", "failed", "running", "refused")


@dataclass(frozen=True)
class Cell:
    """How many runs ended how, and the accuracies (0-1) and the loss of the complete ones: on val, or else in training.

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
    loss: Estimate

    @property
    def finished(self) -> int:
        return self.complete + self.diverged

    @property
    def empty(self) -> bool:
        """No run is here; those of the grid may be elsewhere."""
        return not any(getattr(self, name) for name in COUNTS)

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
        runs: lr, seed, status, val_accuracy, test_accuracy, val_loss, train_loss of the condition's runs.
        rates, seeds: the planned grid; its pairs that have no run are counted too, so that what is missing stays in
            sight.
    """
    planned = set(seeds)
    found = []
    for rate in sorted(set(rates) | set(runs["lr"])):
        here = runs[runs["lr"] == rate]
        complete = here[here["status"] == "complete"]
        counts = here["status"].value_counts().to_dict()
        found.append(
            Cell(
                lr=rate,
                **{name: int(counts.get(name, 0)) for name in COUNTS},
                absent=len(planned - set(here["seed"])),
                val=estimate(complete["val_accuracy"]),
                test=estimate(complete["test_accuracy"]),
                loss=estimate(complete["val_loss"].fillna(complete["train_loss"])),
            )
        )
    return found
