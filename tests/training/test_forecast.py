"""A forecast measures the times of a loop and changes nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from bnlab.training import forecast as module
from bnlab.training.forecast import FORWARD, forecast
from bnlab.training.length import Length
from bnlab.training.step import METRICS
from tests.training.parts import Memory, prepared


def timeless(memory: Memory) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
        for table, rows in memory.rows.items()
    }


def test_it_changes_nothing() -> None:
    (untouched,), loop = prepared([0.05])
    loop.run()
    (memory,), loop = prepared([0.05])
    assert forecast(loop, 2) > 0
    assert memory.rows == {}
    loop.run()
    assert timeless(memory) == timeless(untouched)


@pytest.mark.parametrize(
    ("when", "looks"),
    [({"a": ["init"]}, 1), ({"a": ["init", "last"], "b": [10]}, 2 + 3), ({"a": [1]}, 21), ({}, 0)],
)
def test_it_adds_up_updates_looks_and_evaluations(
    monkeypatch: pytest.MonkeyPatch, when: dict[str, list[str | int]], looks: int
) -> None:
    """An update takes 2 s, one with all diagnostics 5 s; an epoch has 4 updates of 2 batches of 10, 90 examples."""
    clock = [0.0]

    def rehearse(due: tuple[str, ...] = ()) -> None:
        clock[0] += 5.0 if METRICS in due else 2.0

    length = Length(20, 4, 10, 2, 0.0, 1, 60.0)
    evaluator = SimpleNamespace(examples=lambda epochs: 30 * epochs)
    loop: Any = SimpleNamespace(length=length, when=when, n_train=90, evaluator=evaluator, rehearse=rehearse)
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    evaluated = 30 * 4  # after every epoch but the last
    expected = 20 * 2 + evaluated / 80 * 4 * 2 * FORWARD + 3 * looks / max(1, len(when))
    assert forecast(loop, 3) == pytest.approx(expected)
