"""Cells: the runs of one condition at one learning rate, which differ only in the seed."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bnlab.report.stats.estimate import Estimate, estimate

# Accuracies are shares of at most some 10,000 examples; smaller differences are due to rounding.
ROUNDING = 1e-7
COUNTS = ("complete", "diverged", "failed", "running", "refused")


@dataclass(frozen=True)
class Cell:
    """Number of runs by status, and accuracies (0-1) and loss of the complete runs.

    `absent` counts seeds that were run elsewhere in the study and have no run here. `loss` is that on val, or the
    training loss without a val split.
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
        """Whether the cell has no run."""
        return not any(getattr(self, name) for name in COUNTS)

    @property
    def stable(self) -> bool:
        """Whether some seed has a val accuracy and none diverged."""
        return self.diverged == 0 and self.val.n > 0

    @property
    def known(self) -> bool:
        """Whether there is a result for the rate: a val accuracy, or a diverged seed."""
        return self.diverged > 0 or self.val.n > 0


def cells(runs: pd.DataFrame, rates: Iterable[float], seeds: Iterable[int]) -> list[Cell]:
    """Return the cells of a condition, in ascending order of rate.

    Args:
        runs: lr, seed, status, val_accuracy, test_accuracy, val_loss, train_loss of the condition's runs.
        rates, seeds: the planned grid; its pairs without a run are counted too, so that missing runs show.
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
