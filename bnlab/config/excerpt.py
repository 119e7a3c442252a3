"""Format values for messages: printable, and at most a line long."""

import math

from bnlab.text import printable

LENGTH = 80
_LARGEST = 10**LENGTH


def excerpt(value: object, length: int = LENGTH) -> str:
    """Return the value as text for a message, with null, true and false as in yaml and long values shortened."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int) and abs(value) >= _LARGEST:  # Python refuses to print thousands of digits
        digits = int(value.bit_length() * math.log10(2))  # or one more
        return f"a whole number of {digits + (abs(value) >= 10**digits)} digits"
    if isinstance(value, list):
        value = f"[{','.join(excerpt(one) for one in value[:LENGTH])}]"
    text = str(value)
    if len(text) <= length:
        return printable(text)
    return f"{printable(text[: length // 2])}… ({len(text)} characters)"
