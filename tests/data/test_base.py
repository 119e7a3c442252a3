"""Checks of arrays that do not match."""

from dataclasses import replace

import numpy as np
import pytest

from bnlab.data.base import Arrays, take
from bnlab.data.digits import Digits
from bnlab.errors import BadInput

GOOD = Arrays(
    train_x=np.zeros((6, 1, 4, 4), np.uint8),
    train_y=np.array([0, 1, 2, 0, 1, 2]),
    test_x=np.zeros((3, 1, 4, 4), np.uint8),
    test_y=np.array([0, 1, 2]),
    task="classification",
    classes=3,
    outputs=3,
    class_names=("a", "b", "c"),
)


def test_good_arrays_pass() -> None:
    GOOD.check("x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_y": np.array([0, 1])}, "x: 6 training examples but 2 labels"),
        ({"test_y": np.array([0, 1, 3])}, "x: test labels range from 0 to 3, but 3 classes allow 0 to 2"),
        ({"train_y": np.array([0, 1, 2, 0, -1, 2])}, "x: training labels range from -1 to 2"),
        ({"test_x": GOOD.test_x[:0], "test_y": GOOD.test_y[:0]}, "x: the test set is empty"),
        (
            {"test_x": np.zeros((3, 1, 5, 5), np.uint8)},
            r"x: test examples have shape \(1, 5, 5\), training examples \(1",
        ),
        ({"val_x": GOOD.test_x, "val_y": np.array([0])}, "x: 3 validation examples but 1 labels"),
    ],
)
def test_bad_arrays_are_refused(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replace(GOOD, **changes).check("x")


def test_taking_gives_one_array_for_each_index() -> None:
    x = np.arange(10) * 10
    taken = take(x, np.array([3, 1]), np.array([], np.int64))
    assert [part.tolist() for part in taken] == [[30, 10], []]


def test_a_data_set_says_nothing_by_default() -> None:
    assert Digits().notes() == []
