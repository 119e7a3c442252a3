"""Numbers in cells of tables."""

import pytest

from bnlab.report.tables._words import _floored


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(0.186335, 1, 0.18), (20.0, 0, 20.0), (0.99, 0, 0.99), (12.37, 1, 12.3), (0.0, 1, 0.0), (0.004, 1, 0.004)],
)
def test_a_budget_is_rounded_down(value: float, digits: int, shown: float) -> None:
    assert _floored(value, digits) == shown <= value
