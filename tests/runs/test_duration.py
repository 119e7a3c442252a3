"""Lengths of time."""

import pytest

from bnlab.runs.duration import spoken


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (89, "89 s"), (91, "2 min"), (89 * 60, "89 min"),
     (7200, "2 h"), (7800, "2 h 10 min"), (36001, "10 h"), (71 * 3600, "71 h"), (80 * 3600, "3 days")],
)  # fmt: skip
def test_in_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
