"""Difference between train and test accuracy of each condition."""

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.stats import estimate
from bnlab.report.tables._words import accuracy, amount, names, numbers

TITLE = "Train/test gap"
ORDER = 60


def table(frame: Frame) -> Table | Missing:
    """Return one row per condition, at its best rate; the gap is taken within each run."""
    complete = frame.runs[frame.runs["status"] == "complete"]
    if not (complete["train_accuracy"].notna() & complete["test_accuracy"].notna()).any():
        return Missing("no complete run has both a train and a test accuracy")
    data, shown = [], []
    for place in range(len(frame.conditions)):
        cell, runs, lr = frame.shown_cell(place), frame.at_shown(place), frame.sensitivity[place].shown_lr
        train, test = estimate(runs["train_accuracy"]), estimate(runs["test_accuracy"])
        gap = estimate(runs["train_accuracy"] - runs["test_accuracy"])
        axes = names(frame, place)
        data.append(
            {**axes, "lr": lr, "complete": len(runs), **numbers("train_accuracy", train)}
            | {**numbers("test_accuracy", test), **numbers("gap", gap)}
        )
        shown.append(
            axes
            | {"lr": frame.rate(lr), "train accuracy": accuracy(train, cell), "test accuracy": accuracy(test, cell)}
            | {"gap": amount(gap, 3, sign=True)}
        )
    caption = (
        "Accuracy (0–1) on the training and on the test set at the last evaluation, each condition at its best "
        "learning rate; gap: train minus test accuracy of each run. "
        f"± is the 95 % t-interval over seeds ({frame.seeds} per rate). Every run: {frame.configuration}."
    )
    return Table(pd.DataFrame(data), pd.DataFrame(shown).fillna(""), caption, [])
