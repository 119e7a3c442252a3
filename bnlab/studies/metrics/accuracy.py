"""Final accuracies and differences between them."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from bnlab.studies.evidence import Selected
from bnlab.studies.metrics.base import Metric, by_seed
from bnlab.studies.quantity import Quantity, Undecided


class Accuracy(Metric):
    """Final accuracy (0-1)."""

    name: Literal["accuracy"]
    split: Literal["val", "test"] = "test"

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.at_best
        rounding = _rounding(selected, runs, (self.split,))
        return by_seed(runs, runs[f"{self.split}_accuracy"], f"{self.split} accuracy", rounding)


class Gap(Metric):
    """Train accuracy minus test accuracy, both from the last evaluation, in evaluation mode."""

    name: Literal["gap"]

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.at_best
        rounding = _rounding(selected, runs, ("train", "test"))
        return by_seed(runs, runs["train_accuracy"] - runs["test_accuracy"], "train and test accuracy", rounding)


class ModeGap(Metric):
    """Test accuracy with running statistics minus that with the statistics of `mode`, of the same final nets.

    `batch` uses batch statistics, as in training; this is the result of a forgotten eval().
    """

    name: Literal["mode_gap"]
    mode: Literal["batch", "recomputed"] = "batch"

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.at_best
        evals = selected.evidence.table(runs["run_id"], "evals")
        test = evals[evals["split"] == "test"].pivot_table("accuracy", "run_id", "mode", aggfunc="last")
        if self.mode not in test:
            raise Undecided(f"no run of {selected.label} was evaluated in mode {self.mode} (statistics.modes)")
        gap = test["running"] - test[self.mode]
        return by_seed(
            runs, runs["run_id"].map(gap), f"accuracy in mode {self.mode}", _rounding(selected, runs, ("test", "test"))
        )


def _rounding(selected: Selected, runs: pd.DataFrame, splits: Sequence[str]) -> "pd.Series[float]":
    """Return half of the smallest difference between two accuracies of n examples, 1/(2n), summed over the splits."""
    evals = selected.evidence.table(runs["run_id"], "evals")
    found = pd.Series(0.0, index=runs.index)
    for split in splits:
        n = evals[evals["split"] == split].groupby("run_id")["n"].last()
        found += (0.5 / runs["run_id"].map(n).astype("float64")).fillna(0.0)
    return found
