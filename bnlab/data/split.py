"""Split data sets into training, validation and test examples.

Permutations sort the raw 64-bit output of PCG64, a stream that NumPy guarantees to keep between versions (it does not
guarantee `Generator.permutation`), because results depend on the split.
"""

from collections.abc import Sequence

import numpy as np

from bnlab.data.base import Array, Arrays, Undecodable, Undecoded, take
from bnlab.data.common import Common
from bnlab.errors import BadInput
from bnlab.rng import key

HELD_OUT = 0.2  # share held out for test if a data set has no published test set


def permutation(n: int, seed: int, stream: str) -> Array:
    """Return a permutation of 0 … n-1 (int64) drawn from PCG64 keyed by (seed, stream)."""
    return np.argsort(np.random.PCG64(key(seed, stream, 0)).random_raw(n), kind="stable")


def hold_out(x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Return (train_x, train_y, test_x, test_y) with a fixed random fifth held out for testing."""
    order = permutation(len(x), 0, "hold out")
    cut = round(HELD_OUT * len(x))
    return x[order[cut:]], y[order[cut:]], x[order[:cut]], y[order[:cut]]


def draw(n: int, train_size: int | None, val_size: float, split_seed: int) -> tuple[Array, Array]:
    """Return indices (train, val) into a training set of n examples.

    Validation is the head of a permutation, training the `train_size` examples after it: validation does not depend on
    the training size, and a smaller training set is a subset of a larger one. Classes are not stratified.

    Args:
        n: number of examples.
        train_size: number of training examples; None for all that remain.
        val_size: a share of n (rounded) if below 1, else a number of examples.
        split_seed: seed of the permutation.

    Raises:
        BadInput: there are not enough examples.
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
        raise BadInput(f"data.val_size={val_size:g} takes all {n} training examples: set it to at most {n - 1}")
    if train_size is not None and train_size > left:
        raise BadInput(
            f"data.train_size={train_size} is too large: {n} training examples less {n_val} for validation leave {left}"
        )
    order = permutation(n, split_seed, "split")
    return order[n_val : n_val + (left if train_size is None else train_size)], order[:n_val]


def split(arrays: Arrays[Array | Undecoded], common: Common) -> Arrays[Array]:
    """Return the data in memory with a separate validation set, and every part in a fixed random order.

    The order matters for norms with statistics of evaluation batches, because image folders are sorted by class. A
    published validation set is kept; `val_size` is then ignored. Only examples that are used are decoded.

    Raises:
        BadInput: there are not enough examples, or some cannot be decoded.
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
        Undecodable: some cannot be decoded; one message for all sets.
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
