"""Conditions: what a report compares. A condition is a norm and every other axis that varies, but for lr and seed."""

import json
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

Axes = Mapping[str, Any]

LR, SEED = "optim.lr", "seed"


@dataclass(frozen=True)
class Condition:
    """A norm and a variant: (axis, value) of each other varying axis that the condition has.

    A norm that ignores placement has no placement in its variant: it is the baseline of every placement.
    """

    norm: str
    variant: tuple[tuple[str, Any], ...]
    label: str


def varying_axes(runs: Sequence[Axes]) -> list[str]:
    """The axes that distinguish conditions, norm first.

    An option counts only if it varies within one choice of its group: batch norm's momentum, constant wherever there is
    batch norm, tells nothing that `norm` does not; so with a placement that follows from the model.
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
    """What tells values apart as their JSON does: 1 from 1.0 and from true."""
    return json.dumps(value) if isinstance(value, list | dict) else (type(value), value)


def has(axes: Axes, name: str) -> bool:
    """Whether the run has this axis (a placement that its norm ignores is none)."""
    return name in axes and not (name == "placement" and axes[name] == "")


def owner(name: str, axes: Axes) -> str:
    """The group whose choice an axis depends on: `norm` of `norm.momentum`, `model` of a placement; else ""."""
    if name == "placement":
        return "model"
    group = name.partition(".")[0]
    return group if "." in name and group in axes else ""


def conditions(runs: Sequence[Axes], varying: Sequence[str]) -> tuple[list[Condition], list[int]]:
    """The conditions, `none` first, then by norm and variant; and the place of each run's condition among them."""
    keys = [_key(axes, varying) for axes in runs]
    ordered = sorted(set(keys), key=lambda key: (key[0] != "none", key[0], [_sortable(value) for value in key[1:]]))
    names = {name for axes in runs for name in axes}
    found = []
    for norm, *rest in ordered:
        variant = tuple(
            (name, json.loads(value)) for name, value in zip(varying[1:], rest, strict=True) if value is not None
        )
        parts = [norm, *(describe(name, value, names) for name, value in variant)]
        found.append(Condition(norm, variant, " · ".join(parts)))
    places = {key: place for place, key in enumerate(ordered)}
    return found, [places[key] for key in keys]


def describe(name: str, value: Any, names: Set[str]) -> str:
    """An axis with its value, in a label: of a group the choice alone."""
    group = "." not in name and isinstance(value, str)
    return text(value) if group else f"{short(name, names)} {text(value)}"


def short(name: str, names: Set[str]) -> str:
    """The last part of an axis's name, where no other axis ends in the same."""
    last = name.rpartition(".")[2]
    return name if sum(other.rpartition(".")[2] == last for other in names) > 1 else last


def text(value: Any) -> str:
    """An axis's value for people."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def by_size(value: Any) -> tuple[int, float, str]:
    """For sorting an axis's values: numbers by size, then text with `none` first, then what is neither, as null."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, value != "none", value) if isinstance(value, str) else (2, 0.0, json.dumps(value))


def _key(axes: Axes, varying: Sequence[str]) -> tuple[Any, ...]:
    rest = (json.dumps(axes[name]) if has(axes, name) else None for name in varying[1:])
    return (str(axes.get("norm")), *rest)


def _sortable(value: str | None) -> tuple[int, float, str]:
    return (-1, 0.0, "") if value is None else by_size(json.loads(value))
