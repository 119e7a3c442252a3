"""Weights and their gradients compared with NumPy, and cases in which they are orthogonal."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.weight_alignment import WeightAlignment
from tests.diagnostics.real import seen

DIAGNOSTIC = WeightAlignment(when=["init"])


def reference(weight: Tensor, grad: Tensor) -> list[float]:
    """Return ⟨W, g⟩ and the cosine, element by element."""
    W, g = weight.double().numpy().ravel(), grad.double().numpy().ravel()
    product = sum(a * b for a, b in zip(W.tolist(), g.tolist(), strict=True))
    return [product, product / (np.sqrt((W**2).sum()) * np.sqrt((g**2).sum()))]


def observed(weight: Tensor, grad: Tensor) -> list[list[float]]:
    return DIAGNOSTIC.observe(Look({}, {"a.weight": grad}, params={"a.weight": weight}))["a"].tolist()


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equals_numpy(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {"units.0.weight.weight": (4, 3), "units.1.weight.weight": (2, 4, 3, 3), "one.weight": (1, 1), "b": (5,)}
    params, grads = (
        {name: torch.randn(replicas, *shape, generator=draw).to(dtype) for name, shape in shapes.items()} for _ in "Wg"
    )
    found = DIAGNOSTIC.observe(Look({}, grads, params=params))
    assert list(found) == ["units.0.weight", "units.1.weight", "one"]
    for layer, numbers in found.items():
        expected = [reference(params[f"{layer}.weight"][r], grads[f"{layer}.weight"][r]) for r in range(replicas)]
        np.testing.assert_allclose(numbers.numpy(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("mlp", (6,), {"depth": 3, "width": 5}),
        ("cnn", (2, 6, 6), {"depth": 2, "width": 3}),
        ("lstm", (1, 4, 3), {"width": 4}),
        ("resnet", (2, 6, 6), {"depth": 8, "width": 3}),
    ],
)
def test_equals_a_plain_pass(name: str, shape: tuple[int, ...], options: dict[str, int], replicas: int) -> None:
    found = seen(name, shape, replicas, **options)
    numbers = DIAGNOSTIC.observe(found.look)
    for r, net in enumerate(found.nets):
        x, y = found.batches[-1][r]
        torch.nn.functional.cross_entropy(net.train()(x), y).backward()
        weights = {path.rpartition(".")[0]: p for path, p in net.named_parameters() if p.ndim > 1}
        assert numbers.keys() == weights.keys()
        for layer, W in weights.items():
            assert W.grad is not None
            assert numbers[layer][r].tolist() == pytest.approx(reference(W.detach(), W.grad), rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("norm", ["batch", "layer", "instance"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_zero_where_the_loss_does_not_change_with_the_scale_of_the_weight(norm: str, replicas: int) -> None:
    """Closed form, for ε -> 0; the head, which no norm follows, is not orthogonal."""

    def prepare(net: torch.nn.Module) -> None:
        for module in net.modules():
            if hasattr(module, "eps"):
                module.eps = 1e-30

    net = {"norm": norm, "at": ["before_act"], "depth": 2, "width": 4, "bias": False}
    found = seen("cnn", (2, 6, 6), replicas, prepare=prepare, **net)
    *hidden, head = DIAGNOSTIC.observe(found.look).values()
    assert len(hidden) == 2
    for numbers in hidden:
        np.testing.assert_allclose(numbers.numpy(), 0, atol=1e-13)
    assert (head.abs() > 1e-4).all()


def test_parallel_and_opposite_have_cosine_one() -> None:
    W = torch.tensor([[[1.0, 2.0], [-3.0, 0.5]]])
    assert observed(torch.cat([W, W]), torch.cat([2 * W, -W])) == [
        pytest.approx([2 * 14.25, 1.0]), pytest.approx([-14.25, -1.0]),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_gradients_keep_their_cosine(size: float) -> None:
    (numbers,) = observed(torch.full((1, 2, 2), size), torch.full((1, 2, 2), size))
    assert numbers == pytest.approx([4 * size**2, 1.0], rel=1e-6)


def test_what_is_not_finite_or_zero_shows_and_stays_with_its_replica() -> None:
    W = torch.ones(4, 1, 2)
    g = torch.tensor([[[torch.nan, 1.0]], [[torch.inf, 1.0]], [[0.0, 0.0]], [[1.0, -1.0]]])
    np.testing.assert_array_equal(observed(W, g), [[np.nan, np.nan], [np.inf, np.nan], [0.0, np.nan], [0.0, 0.0]])


def test_rows_name_each_number() -> None:
    rows = DIAGNOSTIC.rows(3, "units.0.weight", np.array([0.5, 0.1]))
    assert [(row["diagnostic"], row["value"]) for row in rows] == list(
        zip(WeightAlignment.writes, [0.5, 0.1], strict=True)
    )
    assert all((row["step"], row["site"]) == (3, "units.0.weight") for row in rows)


def test_what_is_not_trained_has_no_rows() -> None:
    assert DIAGNOSTIC.observe(Look({}, {}, params={"a.weight": torch.ones(1, 2, 2)})) == {}
