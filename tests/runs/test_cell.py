"""Text of one value."""

import math

import numpy as np
import pytest

from bnlab.runs.cell import inert, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""), (True, "true"), (3, "3"), (0.1, "0.1"), (1 / 3, "0.333333333"), (1e-5, "1e-05"), (2.0, "2"),
        (math.nan, "nan"), (-math.inf, "-inf"), (np.float32(0.5), "0.5"), (np.int64(7), "7"), ("a,b", "a,b"),
        ([1, 2], "[1, 2]"),
    ],
)  # fmt: skip
def test_text(value: object, expected: str) -> None:
    assert text(value) == expected


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be written in a CSV cell"):
        text(object())


CELLS = {
    "a formula": ("=1+1", "'=1+1"),
    "a call": ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    "a plus": ("+x", "'+x"),
    "a minus": ("-x", "'-x"),
    "a lone minus": ("-", "'-"),
    "an at": ("@SUM(A1)", "'@SUM(A1)"),
    "a tab": ("\t=1", "'\t=1"),
    "a carriage return": ("\r=1", "'\r=1"),
    "a line break": ("\n=1", "'\n=1"),
    "a full-width sign": ("\uff1d1+1", "'\uff1d1+1"),
    "a number as text": ("-0.5", "-0.5"),
    "an exponent": ("-1e-05", "-1e-05"),
    "a signed number": ("+3", "+3"),
    "a number and more": ("-1+1", "'-1+1"),
    "digits of another script": ("-\u0663", "'-\u0663"),
    "infinity": ("-inf", "-inf"),
    "a dash": ("–", "–"),
    "a name": ("batch", "batch"),
    "nothing": ("", ""),
    "a number": (-0.5, -0.5),
    "null": (None, None),
}


@pytest.mark.parametrize(("value", "expected"), CELLS.values(), ids=CELLS)
def test_no_cell_is_a_formula(value: object, expected: object) -> None:
    assert inert(value) == expected
