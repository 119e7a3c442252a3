"""Final accuracies, and differences between them."""

from typing import Literal

from bnlab.studies.evidence import Selected
from bnlab.studies.known import Known, Undecided
from bnlab.studies.metrics.base import Metric, by_seed


class Accuracy(Metric):
    """Final accuracy (0-1)."""

    name: Literal["accuracy"]
    split: Literal["val", "test"] = "test"

    def measure(self, selected: Selected) -> Known:
        runs = selected.at_best
        return by_seed(runs, runs[f"{self.split}_accuracy"], f"{self.split} accuracy")


class Gap(Metric):
    """Train accuracy less test accuracy, both of the last evaluation, in evaluation mode."""

    name: Literal["gap"]

    def measure(self, selected: Selected) -> Known:
        runs = selected.at_best
        return by_seed(runs, runs["train_accuracy"] - runs["test_accuracy"], "train and test accuracy")


class ModeGap(Metric):
    """Test accuracy with running statistics less that with those of `mode`, of the same nets at the end.

    `batch`: as in training, which is what a forgotten eval() gives.
    """

    name: Literal["mode_gap"]
    mode: Literal["batch", "recomputed"] = "batch"

    def measure(self, selected: Selected) -> Known:
        runs = selected.at_best
        evals = selected.evidence.table(runs["run_id"], "evals")
        test = evals[evals["split"] == "test"].pivot_table("accuracy", "run_id", "mode", aggfunc="last")
        if self.mode not in test:
            raise Undecided(f"no run of {selected.label} was evaluated in mode {self.mode} (statistics.modes)")
        gap = test["running"] - test[self.mode]
        return by_seed(runs, runs["run_id"].map(gap), f"accuracy in mode {self.mode}")
