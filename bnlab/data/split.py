"""Which examples are for training, which for validation.

Draws are orderings by the raw 64-bit output of PCG64, a stream that NumPy guarantees to keep between versions (it
does not guarantee `Generator.permutation`): a split is part of what a run's result means.
"""

from collections.abc import Sequence

import numpy as np

from bnlab.data.base import Array, Arrays, Undecodable, Undecoded, take
from bnlab.data.common import Common
from bnlab.errors import BadInput
from bnlab.rng import key

HELD_OUT = 0.2  # share held out for test where a data set has no published test set


def permutation(n: int, seed: int, stream: str) -> Array:
    """A permutation of 0 … n-1 (int64) drawn from PCG64 keyed by (seed, stream)."""
    return np.argsort(np.random.PCG64(key(seed, stream, 0)).random_raw(n), kind="stable")


def hold_out(x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """(train_x, train_y, test_x, test_y) with a fixed random fifth held out, for data without a published test set."""
    order = permutation(len(x), 0, "hold out")
    cut = round(HELD_OUT * len(x))
    return x[order[cut:]], y[order[cut:]], x[order[:cut]], y[order[:cut]]


def draw(n: int, train_size: int | None, val_size: float, split_seed: int) -> tuple[Array, Array]:
    """Indices (train, val) into a training set of n examples.

    Validation is the head of one permutation, training the `train_size` examples after it: validation stays the same
    whatever the training size, and a smaller training set is part of a larger one. Classes are not stratified.

    Args:
        val_size: a share of n (rounded to a number) if below 1, else a number.

    Raises:
        BadInput: more examples are asked for than there are.
    """
    if val_size >= 1 and val_size != int(val_size):
        raise BadInput(f"data.val_size={val_size:g} is neither a share below 1 nor a whole number of examples")
    n_val = round(val_size * n) if val_size < 1 else int(val_size)
    if n_val == 0 and val_size > 0:
        raise BadInput(
            f"data.val_size={val_size:g} of {n} training examples is less than one: give a number, or 0 for none"
        )
    left = n - n_val
    if left < 1:
        raise BadInput(f"data.val_size={val_size:g} takes all {n} training examples: {n - 1} is the most it can be")
    if train_size is not None and train_size > left:
        raise BadInput(
            f"data.train_size={train_size} is more than there is: {n} training examples less {n_val} for validation"
            f" leave {left}"
        )
    order = permutation(n, split_seed, "split")
    return order[n_val : n_val + (left if train_size is None else train_size)], order[:n_val]


def split(arrays: Arrays[Array | Undecoded], common: Common) -> Arrays[Array]:
    """Return the same data in memory with validation set apart, and every part in a random order that is fixed.

    The order matters where a norm takes statistics over evaluation batches: image folders come sorted by class. Data
    with a validation set of their own keep it; `val_size` then draws nothing. Only what is used is decoded.

    Raises:
        BadInput: more examples are asked for than there are, or some cannot be decoded.
    """
    own = arrays.val_x is not None and arrays.val_y is not None
    train, val = draw(len(arrays.train_x), common.train_size, 0 if own else common.val_size, common.split_seed)
    test = permutation(len(arrays.test_x), 0, "test order")
    if arrays.val_x is not None and arrays.val_y is not None:
        val = permutation(len(arrays.val_x), 0, "validation order")
        train_x, val_x, test_x = _taken((arrays.train_x, [train]), (arrays.val_x, [val]), (arrays.test_x, [test]))
        val_y = arrays.val_y[val]
    else:
        train_x, val_x, test_x = _taken((arrays.train_x, [train, val]), (arrays.test_x, [test]))
        val_y = arrays.train_y[val]
    return Arrays(
        train_x=train_x,
        train_y=arrays.train_y[train],
        test_x=test_x,
        test_y=arrays.test_y[test],
        task=arrays.task,
        classes=arrays.classes,
        outputs=arrays.outputs,
        class_names=arrays.class_names,
        val_x=val_x,
        val_y=val_y,
    )


def _taken(*wanted: tuple[Array | Undecoded, Sequence[Array]]) -> list[Array]:
    """Return the examples of each set at its index arrays.

    Raises:
        Undecodable: some cannot be decoded; it says so of all sets at once.
    """
    found, lines = [], []
    for x, indices in wanted:
        try:
            found += take(x, *indices)
        except Undecodable as error:
            lines.append(str(error))
    if lines:
        raise Undecodable("; ".join(lines))
    return found
