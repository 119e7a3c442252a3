"""Accuracy by two axes: norms in columns, variants (batch size, placement …) in rows."""

from typing import Any

import pandas as pd

from bnlab.report.condition import Condition, text
from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.panels import variants
from bnlab.report.stats import estimate
from bnlab.report.tables._words import NONE, accuracy, numbers

TITLE = "Accuracy, axes crossed"
ORDER = 15


def table(frame: Frame) -> Table | Missing:
    """Return a row per variant and a column per norm; with one norm, a column per value of the shortest axis."""
    if not frame.has_accuracy:
        return Missing("accuracy by two axes needs the val accuracy of finished runs, and there is none")
    across = _across(frame)
    if across is None:
        return Missing("only one axis varies besides learning rate and seed, but a crossed table needs two")
    down = [name for name in frame.axes if name not in ("norm", across)]
    columns = list(dict.fromkeys(_value(one, across) for one in frame.conditions))
    data, shown = [], []
    for places in _rows(frame, across):
        fullest = max((frame.conditions[place] for place in places), key=lambda one: len(one.variant))
        row = {name: _value(fullest, name) for name in down}
        cells = dict.fromkeys(columns, NONE)
        for place in places:
            score, lr = estimate(frame.at_shown(place)[frame.score]), frame.sensitivity[place].shown_lr
            column = _value(frame.conditions[place], across)
            data.append({**row, across: column, "lr": lr, "n": score.n, **numbers(frame.score, score)})
            cells[column] = accuracy(score, frame.shown_cell(place))
        shown.append(row | {column if across == "norm" else f"{across} {column}": cells[column] for column in columns})
    caption = (
        f"{frame.score.replace('_', ' ').capitalize()} (0–1) at the last evaluation by {across} (columns) and "
        f"{', '.join(down)} (rows), each condition at its own best learning rate; a condition to which an axis does "
        f"not apply is in every row. ± is the 95 % t-interval over seeds ({frame.seeds} per rate). "
        f"Every run: {frame.configuration}."
    )
    return Table(pd.DataFrame(data), pd.DataFrame(shown), caption, [])


def _across(frame: Frame) -> str | None:
    """Return the axis of the columns; None if fewer than two vary."""
    if len({one.norm for one in frame.conditions}) > 1:
        return "norm" if len(frame.axes) > 1 else None
    if len(frame.axes) < 3:
        return None
    return min(frame.axes[1:], key=lambda name: len({_value(one, name) for one in frame.conditions}))


def _rows(frame: Frame, across: str) -> list[list[int]]:
    """Return the conditions of each row."""
    if across == "norm":
        return [places for _, places in variants(frame.conditions)]
    rows: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for place, one in enumerate(frame.conditions):
        rows.setdefault(tuple(item for item in one.variant if item[0] != across), []).append(place)
    return list(rows.values())


def _value(condition: Condition, axis: str) -> str:
    """Return a condition's value of an axis as text; "" if it lacks the axis."""
    values = {"norm": condition.norm, **dict(condition.variant)}
    return text(values[axis]) if axis in values else ""
