"""Batches and updates of an epoch."""

import pytest

from bnlab.errors import BadInput

from .written import common


@pytest.mark.parametrize(
    ("n", "batch_size", "drop_last", "accumulate", "updates"),
    [
        (100, 10, True, 1, 10),
        (105, 10, True, 1, 10),
        (105, 10, False, 1, 11),
        (105, 10, True, 3, 3),
        (105, 10, False, 11, 1),
        (5, 10, False, 1, 1),
        (10, 10, True, 1, 1),
    ],
)
def test_updates_per_epoch(n: int, batch_size: int, drop_last: bool, accumulate: int, updates: int) -> None:
    assert common(batch_size=batch_size, drop_last=drop_last).updates_per_epoch(n, accumulate) == updates


def test_no_full_batch_is_refused() -> None:
    with pytest.raises(BadInput, match=r"data.batch_size=64 is more than the 50 training examples.*drop_last=false"):
        common(batch_size=64).updates_per_epoch(50, 1)


def test_no_full_group_of_batches_is_refused() -> None:
    with pytest.raises(BadInput, match=r"accumulate=4 is more than the 3 batches of 16 that 50"):
        common(batch_size=16).updates_per_epoch(50, 4)
