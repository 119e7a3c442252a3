"""Suggestions for options that take one number and got several, or one in another unit or notation."""

import re

from bnlab.config.excerpt import excerpt

# Units of options, quoted in messages on wrong values.
_UNITS = {
    "data.val_size": "a share below 1, or a number of examples",
    "schedule.warmup": "a share of all updates",
    "schedule.milestones": "shares of all updates",
}
_NUMBER = r"\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|:|\.\.+|to)\s*({_NUMBER})")
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_LONGEST = 40  # characters of a text, items of a list
_LARGEST = 2**63  # bound of whole numbers


def hint(key: str, value: object, *, whole: bool) -> str | None:
    """Return a clause on the probable meaning of a value that is not a valid number for the option, or None.

    Args:
        value: the given value; None if the option takes a list of numbers.
        whole: the option takes a whole number.
    """
    several = f"several, with `bnlab sweep`: {key}="
    if isinstance(value, list):
        is_given = 1 < len(value) <= _LONGEST and all(type(one) in (int, float) for one in value)
        return several + ",".join(map(excerpt, value)) if is_given else None
    if isinstance(value, str):
        if len(value) <= _LONGEST and (found := _RANGE.fullmatch(value.strip())):
            first, last = found.groups()
            is_counted = whole and f"{first}{last}".isdecimal() and int(first) < int(last)
            counted = f" or {key}=range({int(first)},{int(last) + 1}), which is {first} to {last}" if is_counted else ""
            return f"{several}{first},{last}{counted}"
        if not whole and (found := _PERCENT.fullmatch(value.strip())):
            unit = f"{_UNITS[key]}: " if key in _UNITS else ""
            return f"{unit}{value.strip()} is {float(found[1]) / 100:g}"
        return None
    if whole and isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return f"write {key}={int(value)}"
    return _UNITS.get(key)
