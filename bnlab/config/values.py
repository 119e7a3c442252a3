"""Checks of the values of overrides: choices that are not names, numbers out of range, lists for single values."""

import math
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from bnlab.config.excerpt import excerpt
from bnlab.config.grammar import is_function, list_items, split, unquoted
from bnlab.config.mistakes import option_keys
from bnlab.config.paths import OPTIONS
from bnlab.config.schema import GROUPS
from bnlab.config.signs import explained
from bnlab.config.words import annotations, kind
from bnlab.errors import BadInput

LONGEST_VALUE = 1 << 12
DEEPEST = 10

CHOICES = (*GROUPS, "experiment")
_NUMBER = re.compile(r"[+-]?(?:([0-9][0-9_]*)\.?([0-9_]*)|\.([0-9_]+))(?:[eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def check_value(word: str, key: str, value: str) -> None:
    """Check the value of an override.

    Raises:
        BadInput: it is invalid.
    """
    shown = excerpt(word)
    if value.startswith("="):
        raise BadInput(f"{shown} has two equals signs: write {excerpt(key + '=' + value.lstrip('='))}")
    if _depth(value) > DEEPEST:
        raise BadInput(f"{shown} is nested more than {DEEPEST} levels deep")
    items = list_items(value)
    parts = split(value) if items is None else items
    if len(parts) > 1 and not all(part.strip() for part in parts):
        raise BadInput(f"{shown} has an empty value before or after a comma: leave that comma out")
    if key == "experiment" and len(parts) > 1:
        raise BadInput(f"{shown} names several experiments: name one at a time, because each has its own grid")
    if items is None and len(parts) > 1 and kind(key) == "text" and key in OPTIONS:
        _check_path(key, value, parts)
    is_choice, is_plain = key in CHOICES, kind(key) == "other"
    for part in parts:
        if len(part) > LONGEST_VALUE and not is_function(part):
            raise BadInput(f"{shown} is too long: a value has at most {LONGEST_VALUE} characters")
        if is_choice:
            _check_choice(word, key, part.strip(" "))
        elif is_plain:
            _check_plain(key, part.strip(" "))


def check_single(word: str, key: str, value: str) -> None:
    """Check the value of an override of a verb that takes single values.

    Raises:
        BadInput: it lists several values.
    """
    shown = excerpt(word)
    items = list_items(value)
    if kind(key) == "other" and key in option_keys() and items and _scalar(key):
        several = excerpt(f"{key}={','.join(items)}")
        raise BadInput(f"{shown} is a list, and {key} takes one value: `bnlab sweep {several}` trains each")
    if len(split(value)) < 2 or is_function(value):
        return
    point = ""
    if _DECIMAL_COMMA.fullmatch(value):
        point = f"; write decimals with a point: {key}={value.replace(',', '.')}"
    if kind(key) == "text":
        point = f"; as one value, in quotes: {_one(key, value)}"
    raise BadInput(f"{shown} lists several values: `bnlab sweep` trains each, other verbs take one{point}")


def _check_path(key: str, value: str, parts: Sequence[str]) -> None:
    """Raise `BadInput` for an existing path with unquoted commas, which would be split."""
    whole, *each = (os.path.exists(os.path.expanduser(one.strip())) for one in (value, *parts))  # noqa: PTH110, PTH111
    if whole and not all(each):
        raise BadInput(
            f"{excerpt(f'{key}={value}')}: commas separate values; as one value, in quotes: {_one(key, value)}"
        )


def _one(key: str, value: str) -> str:
    """Return the override that sets an option to one text with commas, quoted for a shell."""
    return f"{key}='\"{excerpt(value)}\"'"


def _check_choice(word: str, group: str, choice: str) -> None:
    name = unquoted(choice)
    if name == "null" and group != "experiment":
        instead = {"norm": "norm=none is a net without norm", "diagnostics": "diagnostics=off measures nothing"}
        said = instead.get(group, f"choose one, {group}=NAME (bnlab list {group})")
        raise BadInput(f"{excerpt(word)}: a run needs a choice of {group}; {said}")
    if name.startswith("{"):
        raise BadInput(f"{excerpt(word)}: set options one by one, as in `bnlab train --cfg job`: {group}.OPTION=VALUE")
    if any(part.startswith("_") for part in PurePath(name).parts):
        raise BadInput(f"{excerpt(word)} is a part of other choices, not a choice; see `bnlab list {group}`")
    is_path = name.startswith(("/", "~", "./")) or ("/" in name and name.endswith((".yaml", ".yml")))
    if is_path or ".." in PurePath(name).parts:
        where = f"DIR/{group}/{PurePath(name).stem}.yaml"
        raise BadInput(
            f"{excerpt(f'{group}={name}')}: a choice is a name, not a path (bnlab list {group}); your own is "
            f"{excerpt(where)}, chosen by --config-dir DIR {group}={excerpt(PurePath(name).stem)}"
        )


def _check_plain(key: str, value: str) -> None:
    """Check a number, a boolean or a keyword; look-alikes of ASCII characters in it are mistakes.

    Raises:
        BadInput: it has a look-alike, several numbers without commas, or a number out of range.
    """
    if (said := explained(value)) is not None and not is_function(value):
        char, _, meant = said.partition("; write ")
        meant = meant.strip("\"'")  # typographic quotes from a text processor
        raise BadInput(f"{excerpt(f'{key}={value}')}: {char}; write {excerpt(f'{key}={meant}')}")
    several = re.split(r"[;|\s]+", value)
    if len(several) > 1 and all(map(_NUMBER.fullmatch, several)):
        raise BadInput(f"{excerpt(f'{key}={value}')}: commas separate values, {excerpt(key + '=' + ','.join(several))}")
    if (found := _NUMBER.fullmatch(value)) is None:
        return
    try:
        number = float(value)
    except ValueError:  # an underscore at the end, which Hydra's grammar rejects or reads as text
        return
    if math.isinf(number):
        most = "1.7e308" if "float" in str(annotations(key)) else str(2**63 - 1)
        raise BadInput(f"{excerpt(f'{key}={value}')} is too large for a number: at most {most}")
    if number == 0 and re.search("[1-9]", "".join(part or "" for part in found.groups())):
        raise BadInput(f"{excerpt(f'{key}={value}')} is too small for a number: write 0, or at least 5e-324")


def _scalar(key: str) -> bool:
    """Return whether the option is known and takes no list in any choice of its group."""
    return "list[" not in str(annotations(key)) and bool(annotations(key))


def _depth(value: str) -> int:
    depth = deepest = 0
    for char in value:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest
