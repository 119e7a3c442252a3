"""Causes with which runs ended, grouped, and the axes that distinguish the runs of a group."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bnlab.runs.cell import text

_NUMBER = re.compile(r"(\d+)")
_MOST = 4  # most values of an axis that are listed

Axes = Mapping[str, Any]


class Cause(NamedTuple):
    """A cause and the positions of the runs that have it."""

    text: str
    places: list[int]


def causes(texts: Sequence[str]) -> list[Cause]:
    """Return the causes, most frequent first; those that differ only in numbers are one ("at step 3 to 80")."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(texts):
        found.setdefault(tuple(_NUMBER.split(one)[::2]), []).append(place)
    groups = [Cause(_joined([_NUMBER.split(texts[place]) for place in places]), places) for places in found.values()]
    return sorted(groups, key=lambda group: -len(group.places))


def varying(every: Sequence[Axes]) -> dict[str, list[str]]:
    """Return the axes in which runs differ, each with its sorted values as text; "" for a run without the axis.

    Groups come first and the seed last. An axis that an earlier one determines is left out, as norm.groups=8 after
    norm=group.
    """
    found: dict[str, list[str]] = {}
    columns: list[list[str]] = []
    names = dict.fromkeys(name for axes in every for name in axes)
    for name in sorted(names, key=lambda name: (name == "seed", "." in name)):
        # None: the axis is null or missing; either way there is no value to list.
        column = [_text(axes.get(name)) for axes in every]
        if not any(len(set(zip(one, column, strict=True))) == len(set(one)) for one in [[""] * len(every), *columns]):
            columns.append(column)
            values = dict(zip(column, (axes.get(name) for axes in every), strict=True))
            found[name] = sorted(values, key=lambda text: _order(values[text]))
    return found


def described(some: Sequence[Axes], axes: Mapping[str, Sequence[str]]) -> str:
    """Return the values of these runs on the axes of `varying`, without axes of which they have every value.

    An axis is named by its last part where that is unique (lr for optim.lr).
    """
    words = []
    tails = Counter(name.rpartition(".")[2] for name in axes)
    for name, values in axes.items():
        own = {_text(one.get(name)) for one in some}
        if len(own) < len(values) and (listed := [value for value in values if value in own and value]):
            more = ",…" if len(listed) > _MOST else ""
            tail = name.rpartition(".")[2]
            words.append(f"{tail if tails[tail] == 1 else name}={','.join(listed[:_MOST])}{more}")
    return " ".join(words)


def _joined(split: Sequence[Sequence[str]]) -> str:
    """Return one text for several that differ in the numbers at odd positions."""
    parts = []
    for n, column in enumerate(zip(*split, strict=True)):
        numbers = sorted(set(column), key=lambda one: (len(one), one))
        parts.append(column[0] if n % 2 == 0 or len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}")
    return "".join(parts)


def _text(value: Any) -> str:
    return "" if value is None else text(value)


def _order(value: Any) -> tuple[int, float, str]:
    number = isinstance(value, int | float)
    return (0, float(value), "") if number else (1, 0.0, _text(value))
