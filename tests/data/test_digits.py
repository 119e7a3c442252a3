"""scikit-learn's digits."""

import numpy as np

from bnlab.data.digits import Digits


def test_all_digits_are_there() -> None:
    arrays = Digits().arrays()
    assert (arrays.train_x.shape, arrays.test_x.shape) == ((1438, 1, 8, 8), (359, 1, 8, 8))
    assert (arrays.train_x.dtype, arrays.train_y.dtype) == (np.uint8, np.int64)
    assert arrays.train_x.max() == 16
    assert np.bincount(np.concatenate([arrays.train_y, arrays.test_y])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    assert arrays.outputs == arrays.classes == len(arrays.class_names) == 10


def test_the_fingerprint_stays_what_it_is() -> None:
    first = Digits().fingerprint()
    assert first == Digits().fingerprint() == "c713cbb745b6a76db4e9e1e23f45a6f2"
