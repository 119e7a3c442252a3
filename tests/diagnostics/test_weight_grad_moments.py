"""Moments of gradients compared with NumPy."""

import numpy as np
import pytest
import torch

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.weight_grad_moments import WeightGradMoments

MOMENTS = WeightGradMoments(when=["init"])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_equal_numpy(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {"units.0.weight.weight": (4, 3), "units.1.weight.weight": (2, 4, 3, 3), "head.weight.weight": (1, 1)}
    grads = {name: torch.randn(replicas, *shape, generator=draw).to(dtype) for name, shape in shapes.items()}
    found = MOMENTS.observe(Look({}, grads | {"head.bias": torch.ones(replicas, 5)}))
    assert list(found) == ["units.0.weight", "units.1.weight", "head.weight"]
    for name, grad in grads.items():
        arrays = [g.double().numpy() for g in grad]
        expected = [[g.mean(), g.std(), np.abs(g).max()] for g in arrays]
        np.testing.assert_allclose(found[name.removesuffix(".weight")].numpy(), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_gradients_keep_their_moments(size: float) -> None:
    found = MOMENTS.observe(Look({}, {"a.weight": torch.tensor([[[-1.0, 1.0]]]) * size}))["a"][0].tolist()
    assert found == pytest.approx([0.0, size, size], rel=1e-6, abs=0)


def test_what_is_not_finite_shows_and_stays_with_its_replica() -> None:
    grads = {"a.weight": torch.tensor([[[1.0, torch.nan]], [[1.0, -torch.inf]], [[3.0, -5.0]]])}
    lost, infinite, other = MOMENTS.observe(Look({}, grads))["a"].tolist()
    assert np.isnan(lost).all()
    np.testing.assert_array_equal(infinite, [-np.inf, np.nan, np.inf])
    assert other == [-1.0, 4.0, 5.0]


def test_rows_name_each_moment() -> None:
    rows = MOMENTS.rows(3, "units.0.weight", np.array([1.0, 2.0, 3.0]))
    assert [(row["diagnostic"], row["value"]) for row in rows] == list(
        zip(WeightGradMoments.writes, [1.0, 2.0, 3.0], strict=True)
    )
    assert all((row["step"], row["site"]) == (3, "units.0.weight") for row in rows)
