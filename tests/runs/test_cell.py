"""Text of one value."""

import math

import numpy as np
import pytest

from bnlab.runs.cell import text


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
    with pytest.raises(TypeError, match="no value of a CSV cell"):
        text(object())
