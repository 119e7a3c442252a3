"""Gradient norms compared with NumPy."""

import numpy as np
import pytest
import torch

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.weight_grad_norm import WeightGradNorm

NORM = WeightGradNorm(when=["init"])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equals_numpy(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {"units.0.weight.weight": (4, 3), "units.1.weight.weight": (2, 4, 3, 3), "head.weight.weight": (1, 1)}
    grads = {name: torch.randn(replicas, *shape, generator=draw).to(dtype) for name, shape in shapes.items()}
    observed = NORM.observe(Look({}, grads))
    assert list(observed) == ["units.0.weight", "units.1.weight", "head.weight"]
    for name, grad in grads.items():
        expected = [[np.sqrt(np.square(g.double().numpy()).sum())] for g in grad]
        np.testing.assert_allclose(observed[name.removesuffix(".weight")].numpy(), expected, rtol=1e-13)


def test_biases_gains_and_scalars_are_no_weights() -> None:
    grads = {"head.bias": torch.ones(3, 5), "scale": torch.ones(3), "norm.weight": torch.ones(3, 7)}
    assert NORM.observe(Look({}, grads)) == {}


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_gradients_keep_their_norm(size: float) -> None:
    grads = {"a.weight": torch.full((1, 2, 2), size)}  # squares of float32 would be 0 or infinite
    assert NORM.observe(Look({}, grads))["a"].item() == pytest.approx(2 * size)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows(value: float) -> None:
    grads = {"a.weight": torch.tensor([[[1.0, value]], [[3.0, 4.0]]])}
    lost, other = NORM.observe(Look({}, grads))["a"].squeeze(1).tolist()
    assert lost == pytest.approx(value, nan_ok=True)
    assert other == 5.0


def test_a_row_names_the_layer() -> None:
    (row,) = NORM.rows(3, "units.0.weight", np.array([0.5]))
    assert row == {"step": 3, "site": "units.0.weight", "diagnostic": "weight_grad_norm", "value": 0.5}
