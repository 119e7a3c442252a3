"""The validation split."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bnlab.data.base import Arrays
from bnlab.data.split import draw, hold_out, permutation, split
from bnlab.errors import BadInput

from .written import common

sizes = st.integers(2, 300)
seeds = st.integers(0, 5)
val_sizes = st.one_of(st.floats(0, 0.9), st.integers(0, 200).map(float))


def feasible(n: int, val_size: float) -> int:
    """Return the number of validation examples; reject impossible cases."""
    n_val = round(val_size * n) if val_size < 1 else int(val_size)
    assume(n_val < n)
    assume(n_val > 0 or val_size == 0)
    return n_val


@given(sizes, val_sizes, seeds)
def test_the_parts_are_disjoint_and_cover_everything(n: int, val_size: float, seed: int) -> None:
    n_val = feasible(n, val_size)
    train, val = draw(n, None, val_size, seed)
    assert len(val) == n_val
    assert sorted([*train, *val]) == list(range(n))


@given(sizes, val_sizes, seeds, st.data())
def test_training_size_leaves_validation_alone_and_nests(
    n: int, val_size: float, seed: int, data: st.DataObject
) -> None:
    left = n - feasible(n, val_size)
    small = data.draw(st.integers(1, left))
    large = data.draw(st.integers(small, left))
    train_small, val_small = draw(n, small, val_size, seed)
    train_large, val_large = draw(n, large, val_size, seed)
    assert np.array_equal(val_small, val_large)
    assert len(train_small) == small
    assert set(train_small) <= set(train_large)
    assert not set(train_large) & set(val_large)


def test_the_split_stays_what_it_is() -> None:
    assert permutation(8, 0, "split").tolist() == [6, 5, 1, 3, 7, 4, 2, 0]


def test_another_seed_draws_another_split() -> None:
    assert not np.array_equal(draw(50, None, 0.2, 0)[1], draw(50, None, 0.2, 1)[1])


@pytest.mark.parametrize(
    ("train_size", "val_size", "message"),
    [
        (91, 0.1, "data.train_size=91 is too large: 100 training examples less 10 for validation leave 90"),
        (None, 100.0, "data.val_size=100 takes all 100 training examples: set it to at most 99"),
        (None, 250.0, "data.val_size=250 takes all 100 training examples: set it to at most 99"),
        (None, 0.999, "data.val_size=0.999 takes all 100 training examples: set it to at most 99"),
        (None, 0.001, "data.val_size=0.001 of 100 training examples is less than one: give a number, or 0 for none"),
        (None, 2.5, "data.val_size=2.5 is neither a share below 1 nor a whole number of examples"),
    ],
)
def test_impossible_sizes_are_refused(train_size: int | None, val_size: float, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        draw(100, train_size, val_size, 0)
    assert str(caught.value) == message


def arrays(n: int = 20, n_val: int | None = None) -> Arrays:
    """Return examples whose only feature is their label; validation labels are negative, test labels from 1000."""
    x = np.arange(n, dtype=np.float32)[:, None]
    own = None if n_val is None else -1 - np.arange(n_val, dtype=np.float32)[:, None]
    return Arrays(x, x, 1000 + x, 1000 + x, "regression", None, 1, (), own, own)


def test_examples_keep_their_labels_and_tests_their_content() -> None:
    parts = split(arrays(), common(train_size=5, val_size=4))
    assert (len(parts.train_x), len(parts.parts()["validation"][0]), len(parts.test_x)) == (5, 4, 20)
    for x, y in parts.parts().values():
        assert np.array_equal(x, y)
    assert set(parts.test_x.ravel()) == set(1000.0 + np.arange(20))
    assert not np.array_equal(parts.test_x, arrays().test_x), "a set sorted by class would bias batch statistics"


def test_an_own_validation_set_is_kept_whole() -> None:
    parts = split(arrays(n_val=6), common(val_size=0.5))
    assert sorted(parts.parts()["validation"][0].ravel()) == [-6, -5, -4, -3, -2, -1]
    assert len(parts.train_x) == 20


def test_without_validation_the_set_is_empty() -> None:
    parts = split(arrays(), common(val_size=0))
    assert parts.val_x is not None
    assert parts.val_x.shape == (0, 1)


def test_hold_out_takes_a_fixed_fifth() -> None:
    x = np.arange(50)
    train_x, train_y, test_x, test_y = hold_out(x, -x)
    assert (len(train_x), len(test_x)) == (40, 10)
    assert sorted([*train_x, *test_x]) == list(x)
    assert np.array_equal(train_x, -train_y)
    assert np.array_equal(test_x, -test_y)
    assert np.array_equal(hold_out(x, -x)[2], test_x)
