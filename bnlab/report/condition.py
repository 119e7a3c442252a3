"""Conditions, which a report compares: a norm and every other varying axis except lr and seed."""

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from bnlab.report.escaping import clipped

Axes = Mapping[str, Any]

LR, SEED = "optim.lr", "seed"
_LENGTH = ("epochs", "steps")  # one of them is null, the other is the length of a run
_LONGEST = 40  # characters of a value in a label


@dataclass(frozen=True)
class Condition:
    """A norm and a variant: (axis, value) of each other varying axis that the condition has.

    A norm that ignores placement has no placement in its variant: it is the baseline of every placement.

    Attributes:
        label: its name, unique within the report.
    """

    norm: str
    variant: tuple[tuple[str, Any], ...]
    label: str


def varying_axes(runs: Sequence[Axes]) -> list[str]:
    """Return the axes that distinguish conditions, norm first.

    An option counts only if it varies within one choice of its group: the momentum of batch norm, if constant in all
    runs with batch norm, adds nothing to `norm`. The same holds for a placement that follows from the model.
    """
    found = []
    for name in sorted({name for axes in runs for name in axes}):
        if name in ("norm", LR, SEED):
            continue
        seen: dict[Hashable, set[Hashable]] = defaultdict(set)
        for axes in runs:
            if has(axes, name):
                seen[exact(axes.get(owner(name, axes)))].add(exact(axes[name]))
        if any(len(values) > 1 for values in seen.values()):
            found.append(name)
    return ["norm", *sorted(found, key=lambda name: ("." in name, name))]


def exact(value: Any) -> Hashable:
    """Return a key that distinguishes values as their JSON does: 1 from 1.0 and from true."""
    return json.dumps(value) if isinstance(value, list | dict) else (type(value), value)


def has(axes: Axes, name: str) -> bool:
    """Return whether the run has this axis (a placement that its norm ignores does not count)."""
    return name in axes and not (name == "placement" and axes[name] == "")


def owner(name: str, axes: Axes) -> str:
    """Return the group whose choice an axis depends on: `norm` for `norm.momentum`, `model` for placement; else ""."""
    if name == "placement":
        return "model"
    group = name.partition(".")[0]
    return group if "." in name and group in axes else ""


def conditions(runs: Sequence[Axes], varying: Sequence[str]) -> tuple[list[Condition], list[int]]:
    """Return the conditions, `none` first, then by norm and variant, and the index of each run's condition."""
    keys = [_key(axes, varying) for axes in runs]
    ordered = sorted(set(keys), key=lambda key: (key[0] != "none", key[0], [_sortable(value) for value in key[1:]]))
    names = {name for axes in runs for name in axes}
    variants = [
        tuple((name, json.loads(value)) for name, value in zip(varying[1:], key[1:], strict=True) if value is not None)
        for key in ordered
    ]
    spelt = {name: told_apart(value for one in variants for axis, value in one if axis == name) for name in varying[1:]}
    labels = [
        " · ".join(
            [
                clipped(norm, _LONGEST),
                *(
                    _worded(name, value, names, clipped(spelt[name][exact(value)], _LONGEST))
                    for name, value in variant
                    if not (name in _LENGTH and value is None)
                ),
            ]
        )
        for (norm, *_), variant in zip(ordered, variants, strict=True)
    ]
    found = [
        Condition(norm, variant, label)
        for (norm, *_), variant, label in zip(ordered, variants, _numbered(labels), strict=True)
    ]
    places = {key: place for place, key in enumerate(ordered)}
    return found, [places[key] for key in keys]


def told_apart(values: Iterable[Any]) -> dict[Hashable, str]:
    """Return the text of each value by `exact`, with all digits if another value has the same text."""
    every = {exact(value): value for value in values}
    counts = Counter(map(text, every.values()))
    return {key: text(value) if counts[text(value)] == 1 else json.dumps(value) for key, value in every.items()}


def _worded(name: str, value: Any, names: Set[str], spelt: str) -> str:
    return spelt if "." not in name and isinstance(value, str) else f"{clipped(short(name, names), _LONGEST)} {spelt}"


def _numbered(labels: Sequence[str]) -> list[str]:
    """Return labels with a number appended to repeated ones, as after cutting long names."""
    found: list[str] = []
    taken: set[str] = set()
    for label in labels:
        name, number = label, 1
        while name in taken:
            number += 1
            name = f"{label} ({number})"
        taken.add(name)
        found.append(name)
    return found


def describe(name: str, value: Any, names: Set[str]) -> str:
    """Return an axis with its value for a label; for a group only its choice."""
    return _worded(name, value, names, text(value))


def short(name: str, names: Set[str]) -> str:
    """Return the last part of an axis's name, or the whole name if another axis ends in the same part."""
    last = name.rpartition(".")[2]
    return name if sum(other.rpartition(".")[2] == last for other in names) > 1 else last


def text(value: Any) -> str:
    """Return an axis's value as text."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def by_size(value: Any) -> tuple[int, float, str]:
    """Return a sort key for an axis's values: numbers, then text with `none` first, then others such as null."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, value != "none", value) if isinstance(value, str) else (2, 0.0, json.dumps(value))


def _key(axes: Axes, varying: Sequence[str]) -> tuple[Any, ...]:
    rest = (json.dumps(axes[name]) if has(axes, name) else None for name in varying[1:])
    return (str(axes.get("norm")), *rest)


def _sortable(value: str | None) -> tuple[int, float, str]:
    return (-1, 0.0, "") if value is None else by_size(json.loads(value))
