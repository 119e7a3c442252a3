"""Batches and updates per epoch, and valid values of data.val_size."""

from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from bnlab.data.common import Common
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


VAL_SIZE = TypeAdapter[Any](get_type_hints(Common.__init__, include_extras=True)["val_size"])


@pytest.mark.parametrize("value", [0, 0.0, 1, 100, 0.1, 0.999, 1e-9, 10**6])
def test_shares_and_whole_numbers_are_floats_afterwards(value: float) -> None:
    found = VAL_SIZE.validate_python(value, strict=True)
    assert type(found) is float
    assert found == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, "a share below 1, or a number of examples written as a whole number (1 for one example)"),
        (100.0, "a share below 1, or a number of examples written as a whole number (100 for 100 examples)"),
        (1e3, "a share below 1, or a number of examples written as a whole number (1000 for 1000 examples)"),
        (2.5, "a share below 1, or a number of examples written as a whole number"),
        (float("inf"), "a share below 1, or a number of examples written as a whole number"),
        (float("nan"), "finite number"),
        (-0.1, "greater than or equal to 0"),
        (-1, "greater than or equal to 0"),
        (True, "valid number"),
        ("0.1", "valid number"),
        (None, "valid number"),
        ([0.1], "valid number"),
    ],
)
def test_other_sizes_are_refused(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        VAL_SIZE.validate_python(value, strict=True)
    assert [error["msg"].removeprefix("Input should be ").removeprefix("a ") for error in caught.value.errors()] == [
        message.removeprefix("a ")
    ]
