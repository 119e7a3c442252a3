"""Histograms of gradients compared with NumPy."""

import numpy as np
import pytest
import torch

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.sample import SAMPLE
from bnlab.diagnostics.weight_grad_histogram import WeightGradHistogram


def at(bins: int) -> WeightGradHistogram:
    return WeightGradHistogram(when=["init"], bins=bins)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("bins", [1, 7, 10, 32])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_numpy(replicas: int, bins: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {
        "units.0.weight.weight": (4, 3), "units.1.weight.weight": (2, 4, 3, 3), "head.weight.weight": (1, 1),
        "twin.weight": (4, 3), "long.weight": (3, 4),
    }  # fmt: skip
    grads = {name: torch.randn(replicas, *shape, generator=draw).to(dtype) for name, shape in shapes.items()}
    found = at(bins).observe(Look({}, grads | {"head.bias": torch.ones(replicas, 5)}))
    assert found.keys() == {name.removesuffix(".weight") for name in grads}
    for name, grad in grads.items():
        for r in range(replicas):
            counts, edges = np.histogram(grad[r].double().numpy(), bins)
            numbers = found[name.removesuffix(".weight")][r].numpy()
            np.testing.assert_array_equal(numbers[2:], counts)
            np.testing.assert_allclose(numbers[:2], edges[[0, -1]], rtol=1e-15)


def test_what_is_not_finite_is_counted_nowhere_and_stays_with_its_replica() -> None:
    grads = {"a.weight": torch.tensor([[[torch.nan, -torch.inf, 1.0, 3.0]], [[0.0, 1.0, 2.0, 4.0]]])}
    found = at(2).observe(Look({}, grads))["a"].tolist()
    assert found == [[1.0, 3.0, 1.0, 1.0], [0.0, 4.0, 2.0, 2.0]]


def test_a_large_weight_counts_a_sample_spread_over_it() -> None:
    grad = torch.zeros(1, 512, 300)
    grad[:, :, :75] = 1
    low, high, *counts = at(2).observe(Look({}, {"a.weight": grad}))["a"][0].tolist()
    assert (low, high, sum(counts)) == (0.0, 1.0, SAMPLE)
    assert counts[1] / SAMPLE == pytest.approx(0.25, abs=0.01)


def test_rows_are_bins_of_the_layer() -> None:
    rows = at(2).rows(3, "units.0.weight", np.array([-1.0, 1.0, 5.0, 2.0]))
    common = {"step": 3, "site": "units.0.weight", "quantity": "weight_grad"}
    assert rows == [
        common | {"left": -1.0, "right": 0.0, "count": 5}, common | {"left": 0.0, "right": 1.0, "count": 2},
    ]  # fmt: skip
