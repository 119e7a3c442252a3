"""Steps of measurements, evaluations and checkpoints, and the number of examples seen by then."""

import pytest

from bnlab.training.length import Length


def length(updates: int = 20, per_epoch: int = 6, batch_size: int = 10, accumulate: int = 2) -> Length:
    return Length(updates, per_epoch, batch_size, accumulate, warmup=0.0, log_every=7, checkpoint_seconds=60.0)


@pytest.mark.parametrize(
    ("moments", "steps"),
    [
        (["init"], [0]),
        (["last"], [20]),
        (["epoch"], [6, 12, 18]),
        (["log"], [1, 2, 4, 8, 16]),
        ([5], [0, 5, 10, 15, 20]),
        (["init", "last", 9], [0, 9, 18, 20]),
        ([], []),
    ],
)
def test_moments(moments: list[str | int], steps: list[int]) -> None:
    assert [step for step in range(21) if length().is_due(moments, step)] == steps


def test_logged_steps() -> None:
    assert [step for step in range(21) if length().is_logged(step)] == [0, 7, 14, 20]


@pytest.mark.parametrize(
    ("n_train", "seen"),
    [
        (120, [0, 20, 40, 60, 80, 100, 120, 140]),
        (130, [0, 20, 40, 60, 80, 100, 120, 140]),  # batches that do not fill a group are left out
        (115, [0, 20, 40, 60, 80, 100, 115, 135]),  # the last batch of an epoch has 5
    ],
)
def test_examples(n_train: int, seen: list[int]) -> None:
    assert [length().examples(step, n_train) for step in range(8)] == seen
