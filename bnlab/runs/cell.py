"""Text of a value in a CSV file."""

import json
import re
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four: full-width, which some spreadsheets accept
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]inf", re.IGNORECASE | re.ASCII)
# Types of nearly all cells; in long tables, checks for abstract types would take most of the time.
_COMMON: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: "{:.9g}".format,
}


def text(value: object) -> str:
    """Return a value as text: None empty, floats with 9 digits (`nan`, `inf`), bools true/false, lists, dicts JSON."""
    common = _COMMON.get(type(value))
    if common is not None:
        return common(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return f"{float(value):.9g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written in a CSV cell")


def inert(value: Any) -> Any:
    """Return a CSV cell that no spreadsheet takes for a formula: text that begins like one gets a single quote.

    A formula may call programs or fetch pages. Numbers, also as text, are unchanged.
    """
    if isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
