"""Synthetic data and their known true model."""

from typing import Any

import numpy as np
import pytest

from bnlab.data.gaussian import Gaussian
from bnlab.errors import BadInput

from .written import defaults


def gaussian(**changes: Any) -> Gaussian:
    return Gaussian(**{**defaults("gaussian"), **changes})


def test_classes_stand_at_the_asked_distance() -> None:
    arrays = gaussian(separation=4.0, noise=0.5, n_train=20000, classes=3, shape=[5]).arrays()
    assert (arrays.train_x.shape, arrays.train_x.dtype, arrays.train_y.dtype) == ((20000, 5), np.float32, np.int64)
    assert (arrays.classes, arrays.outputs, arrays.class_names) == (3, 3, ("0", "1", "2"))
    for label in range(3):
        x = arrays.train_x[arrays.train_y == label]
        assert np.linalg.norm(x.mean(0)) == pytest.approx(4.0, abs=0.05)
        assert x.std(0) == pytest.approx(0.5, abs=0.02)
        test_centre = arrays.test_x[arrays.test_y == label].mean(0)
        assert test_centre == pytest.approx(x.mean(0), abs=0.15), "training and test set share their centres"


def test_regression_is_a_noisy_linear_map() -> None:
    arrays = gaussian(task="regression", shape=[1, 3, 4], outputs=4, noise=0.3, n_train=20000).arrays()
    assert (arrays.task, arrays.classes, arrays.outputs, arrays.class_names) == ("regression", None, 4, ())
    assert (arrays.train_x.shape, arrays.train_y.shape) == ((20000, 1, 3, 4), (20000, 4))
    assert arrays.train_y.dtype == np.float32
    x, y = arrays.train_x.reshape(20000, 12).astype(float), arrays.train_y.astype(float)
    map_FK = np.linalg.lstsq(x, y, rcond=None)[0]
    residual = arrays.test_y - arrays.test_x.reshape(-1, 12) @ map_FK
    assert residual.std() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_only_its_options_and_seed_decide(task: str) -> None:
    one, again, other = (gaussian(task=task, data_seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.arrays().train_x, again.arrays().train_x)
    assert one.fingerprint() == again.fingerprint()
    assert not np.array_equal(one.arrays().train_x, other.arrays().train_x)
    assert one.fingerprint() != other.fingerprint() != gaussian(task=task, data_seed=1, noise=0.5).fingerprint()


def test_more_training_examples_leave_the_test_set() -> None:
    few, many = gaussian(n_train=10).arrays(), gaussian(n_train=20).arrays()
    assert np.array_equal(few.test_x, many.test_x)
    assert np.array_equal(few.test_y, many.test_y)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": [3, 4]}, r"data.shape=\[3, 4\] has 2 numbers: give one, \[features\], or three"),
        ({"shape": []}, r"data.shape=\[\] has 0 numbers"),
        ({"classes": 1}, "data.classes=1 is too few for classification"),
    ],
)
def test_impossible_options(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        gaussian(**changes)


LARGE: dict[str, tuple[dict[str, Any], str]] = {
    "examples": ({"n_train": 10**12}, r"1,000,000,000,000 \+ 1,000 examples of 20 with 10 classes would"),
    "test examples": ({"n_test": 10**12}, r"5,000 \+ 1,000,000,000,000 examples .* would take 3\d\d TB of memory"),
    "features": ({"shape": [10**12]}, "examples of 1,000,000,000,000 with"),
    "pixels": ({"shape": [10**6, 10**6, 3]}, "examples of 1,000,000×1,000,000×3 with"),
    "beyond 64 bits": ({"shape": [10**9, 10**9, 10**9]}, r"examples .* would take .* PB of memory"),
    "a number of 40 digits": ({"n_train": 10**40}, "would take .* PB of memory"),
    "classes": ({"classes": 10**12}, "with 1,000,000,000,000 classes would take 220 TB .*: lower .* or data.classes"),
    "targets": ({"task": "regression", "outputs": 10**12}, "1,000,000,000,000 targets would take .* or data.outputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_what_does_not_fit_in_memory_is_refused_first(name: str) -> None:
    changes, message = LARGE[name]
    with pytest.raises(BadInput, match=message) as caught:
        gaussian(**changes).arrays()
    assert "\n" not in str(caught.value)
