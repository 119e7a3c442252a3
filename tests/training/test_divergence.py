"""Criteria of divergence."""

from math import inf, nan

import pytest

from bnlab.training.divergence import LIMIT, PATIENCE, Divergence


def first(losses: list[float]) -> int | None:
    watch = Divergence()
    for step, loss in enumerate(losses):
        if watch.add(step, loss):
            break
    return watch.diverged_at


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_the_very_step_of_a_loss_that_is_not_finite(bad: float) -> None:
    assert first([2.0, 1.0, bad, 1.0]) == 2
    assert first([bad]) == 0


def test_twenty_steps_in_a_row_above_ten_times_the_initial_loss() -> None:
    high = 2.0 * LIMIT + 0.1
    assert first([2.0] + [high] * PATIENCE) == PATIENCE
    assert first([2.0] + [high] * (PATIENCE - 1)) is None
    assert first([2.0] + ([high] * (PATIENCE - 1) + [2.0]) * 3) is None
    assert first([2.0] + [2.0 * LIMIT] * 100) is None, "at the limit is not above it"


def test_resumed_in_the_middle_of_a_streak() -> None:
    watch = Divergence(initial=1.0, streak=PATIENCE - 1)
    assert watch.add(57, 11.0)
    assert watch.diverged_at == 57
