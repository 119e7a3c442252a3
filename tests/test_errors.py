"""One line from an error."""

import pytest

from bnlab.errors import LONGEST_LINE, one_line

LINES = {
    "a": (ValueError("what\nmore"), "ValueError: what"),
    "nothing": (ValueError(), "ValueError: no message"),
    "blank": (RuntimeError("  \n "), "RuntimeError: no message"),
    "huge": (OSError("x" * 10**6), f"OSError: {'x' * LONGEST_LINE}…"),
    "at the limit": (OSError("x" * LONGEST_LINE), f"OSError: {'x' * LONGEST_LINE}"),
}


@pytest.mark.parametrize("kind", LINES)
def test_one_line(kind: str) -> None:
    error, line = LINES[kind]
    assert one_line(error) == line
