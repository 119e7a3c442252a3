"""How one value is written in a CSV file."""

import json
from numbers import Integral, Real


def text(value: object) -> str:
    """Missing is empty, a float has 9 digits (`nan`, `inf`), a bool is true/false, a list or dict is JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return f"{float(value):.9g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} is no value of a CSV cell")
