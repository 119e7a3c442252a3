"""Values in messages."""

import pytest

from bnlab.config.excerpt import excerpt

ROWS: dict[str, tuple[object, str]] = {
    "null": (None, "null"),
    "truth": (True, "true"),
    "number": (0.1, "0.1"),
    "text": ("a b", "a b"),
    "list": (["a", None, 1], "[a,null,1]"),
    "escape": ("\x1b[31m", "␛[31m"),
    "long": ("a" * 1_000_000, "a" * 40 + "… (1000000 characters)"),
    "large": (10**90, "a whole number of 91 digits"),
    "larger than Python writes": (-(10**5000), "a whole number of 5001 digits"),
    "long list": ([1] * 10**6, "[" + "1," * 19 + "1… (161 characters)"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_line_holds_it(row: str) -> None:
    value, shown = ROWS[row]
    assert excerpt(value) == shown
