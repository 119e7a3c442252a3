"""Time that each condition takes to reach the target, in epochs and in seconds."""

import pandas as pd

from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.stats import Target
from bnlab.report.tables._words import NONE, names, numbers, time

TITLE = "Time to the target"
ORDER = 16


def table(frame: Frame) -> Table | Missing:
    """Return one row per condition, at its best rate; runs that never reached the target are censored."""
    if not frame.has_accuracy:
        return Missing("time to the target needs the val accuracy of finished runs, and there is none")
    data, shown = [], []
    for place in range(len(frame.conditions)):
        lr = frame.sensitivity[place].shown_lr
        found = frame.target_times[place]
        axes = names(frame, place)
        data.append({**axes, "lr": lr, **_numbers("epochs", found.epochs), **_numbers("seconds", found.seconds)})
        there = found.epochs.runs - found.epochs.censored
        shown.append(
            axes
            | {
                "lr": frame.rate(lr),
                f"epochs to {100 * frame.target:g} %": time(found.epochs, 1),
                f"seconds to {100 * frame.target:g} %": time(found.seconds, 1),
                "reached it": f"{there}/{found.epochs.runs}",
            }
        )
    return Table(pd.DataFrame(data), pd.DataFrame(shown).fillna(""), _caption(frame), _notes(frame))


def _notes(frame: Frame) -> list[str]:
    evaluated = frame.val_evals.of(frame.runs["run_id"])["run_id"].value_counts()
    notes = []
    if len(evaluated) and evaluated.max() == 1:
        notes.append("every run was evaluated only once: its time to the target is that of its end, or none")
    if any(one.epochs.runs and not one.seconds.runs for one in frame.target_times):
        notes.append(f"no seconds ({NONE}): runs trained together are not timed separately: use launcher=serial")
    return notes


def _numbers(unit: str, target: Target) -> dict[str, float]:
    facts = {"censored": target.censored, "runs": target.runs, "budget": target.budget}
    return numbers(unit, target.time) | {f"{unit}_{name}": value for name, value in facts.items()}


def _caption(frame: Frame) -> str:
    return (
        f"Epochs, and seconds of the run (evaluations included), until val accuracy first reached {frame.target:g}, "
        "each condition at its best learning rate. > E (k/n): k of n seeds did not reach it within E. "
        f"± is the 95 % t-interval over seeds ({frame.seeds} per rate). Every run: {frame.configuration}."
    )
