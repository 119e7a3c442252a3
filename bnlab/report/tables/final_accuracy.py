"""Final accuracy of each condition, and its difference from the condition without norm."""

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.stats import Estimate, estimate
from bnlab.report.tables._words import NONE, accuracy, amount, names, numbers

TITLE = "Final accuracy"
ORDER = 13


def table(frame: Frame) -> Table | Missing:
    """Return one row per condition, at its best rate; the difference is paired by seed."""
    if not frame.has_accuracy:
        return Missing("final accuracy needs the val accuracy of finished runs, and there is none")
    data, shown = [], []
    for place in range(len(frame.conditions)):
        cell, runs, lr = frame.shown_cell(place), frame.at_shown(place), frame.sensitivity[place].shown_lr
        val, test = (estimate(runs[metric]) for metric in ("val_accuracy", "test_accuracy"))
        reference = frame.references.get(place)
        apart = Estimate(0, 0, 0) if reference is None else frame.difference(place, reference, frame.score)
        label = "" if reference is None else frame.conditions[reference].label
        axes = names(frame, place)
        data.append(
            {**axes, "lr": lr, "complete": len(runs), "diverged": cell.diverged if cell else None}
            | {**numbers("val_accuracy", val), **numbers("test_accuracy", test), "reference": label}
            | ({**numbers("difference", apart), "pairs": apart.n} if apart.n else {})
        )
        shown.append(
            axes
            | {"lr": frame.rate(lr), "seeds": f"{len(runs)}"}
            | {"val accuracy": accuracy(val, cell), "test accuracy": accuracy(test, cell)}
            | {_heading(frame): f"{amount(apart, 3, sign=True)} (vs {label})" if apart.n else NONE}
        )
    return Table(pd.DataFrame(data), pd.DataFrame(shown).fillna(""), _caption(frame), [])


def _heading(frame: Frame) -> str:
    return f"difference in {frame.score.replace('_', ' ')}"


def _caption(frame: Frame) -> str:
    return (
        "Accuracy (0–1) at the last evaluation, each condition at its best learning rate on val. "
        f"The {_heading(frame)} is paired by seed, each condition at its own best rate. "
        f"± is the 95 % t-interval over seeds ({frame.seeds} per rate). Every run: {frame.configuration}."
    )
