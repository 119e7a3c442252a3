"""Data on the device. Shapes: R replicas, B examples of a batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnlab.data import tensors
from bnlab.data.base import Arrays
from bnlab.data.digits import Digits
from bnlab.data.gaussian import Gaussian
from bnlab.data.split import split
from bnlab.data.tensors import TensorData, channel_statistics
from bnlab.errors import BadInput
from bnlab.training.evaluate import in_order

from .written import common, defaults

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def pictures(n: int = 50, channels: int = 3) -> Arrays:
    """Return images whose first pixel is their number; labels are that number modulo 5."""
    draws = np.random.default_rng(0)
    train, test = (draws.integers(0, 256, (n, channels, 8, 8), dtype=np.uint8) for _ in range(2))
    for x in (train, test):
        x[:, 0, 0, 0] = np.arange(n)
    y = np.arange(n) % 5
    return Arrays(train, y, test, y, "classification", 5, 5, tuple("abcde"))


def served(arrays: Arrays, device: str = "cpu", dtype: torch.dtype = torch.float64, **changes: Any) -> TensorData:
    return TensorData(arrays, common(**{"batch_size": 8, **changes}), device=device, dtype=dtype)


def names(data: TensorData, x: torch.Tensor) -> torch.Tensor:
    """Return the number in the first pixel of images (..., C, H, W)."""
    return (x[..., 0, 0, 0] * data.std[0] + data.mean[0]).round().long()


byte_images = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, max_side=6))
float_rows = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-9, 9, width=32)
)


@given(st.one_of(byte_images, float_rows), st.integers(1, 3))
def test_statistics_equal_naive_ones(x: np.ndarray, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensors, "CHUNK", chunk)
        mean, std = channel_statistics(x)
    for c in range(x.shape[1]):
        values = x[:, c].astype(np.float64)
        assert mean[c] == pytest.approx(values.mean(), abs=1e-12)
        constant = values.min() == values.max()
        assert std[c] == pytest.approx(1.0 if constant else values.std(), rel=1e-9, abs=1e-12)


def test_a_constant_channel_becomes_zero_rather_than_noise() -> None:
    arrays = pictures()
    x = np.full((50, 2), 0.1, np.float32)
    x[:, 1] = np.arange(50)
    data = served(replace(arrays, train_x=x, test_x=x))
    assert data.std[0] == 1
    assert data.parts["train"][0][:, 0].abs().max() < 1e-12


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_part_is_normalized_by_the_training_examples(device: str, dtype: torch.dtype) -> None:
    arrays, options = pictures(), {"train_size": 20, "val_size": 10}
    data = served(arrays, device, dtype, **options)
    numbers = split(arrays, common(**options))
    train = numbers.train_x.astype(float)
    mean, std = train.mean((0, 2, 3), keepdims=True), train.std((0, 2, 3), keepdims=True)
    for part, (raw, labels) in zip(("train", "test", "val"), numbers.parts().values(), strict=True):
        x, y = data.parts[part]
        assert (x.dtype, x.device.type, y.dtype) == (dtype, device, torch.int64)
        assert x.cpu().double().numpy() == pytest.approx((raw - mean) / std, abs=1e-5)
        assert np.array_equal(y.cpu(), labels)
    assert (data.shape, data.n_train, data.classes, data.outputs) == ((3, 8, 8), 20, 5, 5)


def test_arrays_are_left_alone() -> None:
    arrays = Gaussian(**{**defaults("gaussian"), "n_train": 100}).arrays()
    before = arrays.train_x.copy()
    served(arrays, dtype=torch.float32, val_size=0)
    assert np.array_equal(arrays.train_x, before)


def test_regression_targets_take_the_type_of_inputs() -> None:
    arrays = Gaussian(**{**defaults("gaussian"), "task": "regression", "outputs": 3, "shape": [1, 2, 2]}).arrays()
    data = served(arrays)
    x, y = data.batch(torch.arange(4))
    assert (x.dtype, y.dtype, y.shape) == (torch.float64, torch.float64, (4, 3))
    assert (data.task, data.classes, data.outputs) == ("regression", None, 3)


@pytest.mark.parametrize("device", DEVICES)
def test_an_order_is_a_permutation_of_its_seed_and_epoch(device: str) -> None:
    data = served(pictures(), device)
    order = data.order(0, 0)
    assert order.device.type == device
    assert order.sort().values.tolist() == list(range(45))
    assert torch.equal(order, data.order(0, 0))
    assert torch.equal(order.cpu(), served(pictures()).order(0, 0)), "the same on every device"
    assert not torch.equal(order, data.order(0, 1))
    assert not torch.equal(order, data.order(1, 0))


def test_batches_keep_images_with_labels_for_one_and_for_many_replicas() -> None:
    data = served(pictures())
    index_RB = torch.stack([data.order(seed, 0)[:8] for seed in (0, 1, 2)])
    x_RBCHW, y_RB = data.batch(index_RB)
    assert (x_RBCHW.shape, y_RB.shape) == ((3, 8, 3, 8, 8), (3, 8))
    assert torch.equal(names(data, x_RBCHW) % 5, y_RB)
    x_BCHW, y_B = data.batch(index_RB[1])
    assert torch.equal(x_BCHW, x_RBCHW[1])
    assert torch.equal(y_B, y_RB[1])


def test_augmentation_is_of_seed_and_step() -> None:
    data = served(pictures(), augment=True)
    x_RBCHW, _ = data.batch(torch.arange(16).view(2, 8))
    out = data.augmented(x_RBCHW, [0, 1], step=3)
    assert torch.equal(out, data.augmented(x_RBCHW, [0, 1], step=3))
    assert torch.equal(out[1], data.augmented(x_RBCHW[1], [1], step=3))
    assert not torch.equal(out, data.augmented(x_RBCHW, [0, 1], step=4))
    assert not torch.equal(out, x_RBCHW)
    assert served(pictures()).augmented(x_RBCHW, [0, 1], step=3) is x_RBCHW


def test_evaluation_sees_every_example_once() -> None:
    data = served(pictures())
    batches = list(in_order(*data.parts["test"], 8))
    assert [len(y) for _, y in batches] == [8, 8, 8, 8, 8, 8, 2]
    seen = torch.cat([names(data, x) for x, _ in batches])
    assert sorted(seen.tolist()) == list(range(50))
    assert len(served(pictures(), val_size=0).parts["val"][0]) == 0
    assert [len(y) for _, y in in_order(*data.parts["test"], 8, whole=True)] == [8, 8, 8, 8, 8, 8]
    assert [len(y) for _, y in in_order(*data.parts["test"], 80, whole=True)] == [50]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 64}, "data.batch_size=64 is more than the 45 training examples"),
        ({"train_size": 46}, "data.train_size=46 is too large"),
    ],
)
def test_impossible_batches(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        served(pictures(), **changes)


def test_features_cannot_be_augmented() -> None:
    with pytest.raises(BadInput, match=r"data.augment=true needs images, but an example is 20 features"):
        served(Gaussian(**defaults("gaussian")).arrays(), augment=True)


def test_digits_are_grey_images_of_one_statistic() -> None:
    data = served(Digits().arrays())
    x, _ = data.parts["train"]
    assert data.mean.shape == (1,)
    assert (len(x), len(data.parts["val"][0])) == (1294, 144)
    assert x.mean().item() == pytest.approx(0, abs=1e-12)
    assert x.std(correction=0).item() == pytest.approx(1, abs=1e-12)


def test_tensors_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnlab.memory.total", lambda: 100_000)
    with pytest.raises(
        BadInput, match=r"the data set in float64 would take .* kB of memory, .* 100 kB: lower data.train"
    ):
        served(pictures())
