"""Selection for figures of single runs: some conditions, one run of each, some sites and steps."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from bnlab.report.escaping import clipped
from bnlab.report.frame import Frame

T = TypeVar("T")

_COLUMN = 24  # characters per line above a narrow column


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most this many items, evenly spread from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]


def one_run(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one run per condition (place), that of the lowest seed."""
    mine = rows[rows["seed"] == rows.groupby("place")["seed"].transform("min")]
    return mine[mine["run_id"] == mine.groupby("place")["run_id"].transform("first")]


def turns(frame: Frame, places: Sequence[int], most: int) -> list[int]:
    """Return at most this many conditions: the first of each norm, then the second …, in the report's order."""
    seen: dict[str, int] = {}
    order = []
    for place in places:
        order.append((seen.setdefault(frame.conditions[place].norm, 0), place))
        seen[frame.conditions[place].norm] += 1
    return sorted(place for _, place in sorted(order)[:most])


def named(frame: Frame, place: int) -> str:
    """Return a condition's label with its rate, and whether it did not learn."""
    return frame.at_best(place, clipped(frame.conditions[place].label))


def heading(frame: Frame, place: int) -> str:
    """Return `named` on short lines, for narrow columns."""
    lines = named(frame, place).replace(" · ", "\n").replace(", ", "\n").replace("+", " +\n").split("\n")
    return "\n".join(clipped(line, _COLUMN) for line in lines)


def thinned(drawn: int, total: int, what: str) -> str:
    """Return caption text such as "6 of 7 conditions are drawn. "; "" if all are."""
    return f"{drawn} of {total} {what} are drawn. " if drawn < total else ""
