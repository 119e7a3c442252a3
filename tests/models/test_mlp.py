"""The multi-layer perceptron."""

from typing import Any

import pytest
import torch
from torch import nn

from bnlab.models.units import ACTIVATIONS


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_shape_and_number_of_parameters(
    assemble_model: Any, depth: int, width: int, shape: tuple[int, ...], bias: bool
) -> None:
    model = assemble_model("mlp", shape, 10, depth=depth, width=width, bias=bias)
    n = torch.Size(shape).numel()
    hidden = n * width + (depth - 1) * width * width + bias * depth * width
    assert sum(p.numel() for p in model.parameters()) == hidden + width * 10 + 10  # the head keeps its bias
    assert model(torch.empty(6, *shape, device="meta")).shape == (6, 10)


def test_a_norm_adds_a_gain_and_a_shift_a_feature(assemble_model: Any) -> None:
    def count(at: tuple[str, ...]) -> int:
        model = assemble_model("mlp", (5,), 3, norm="layer", at=at, depth=2, width=8)
        return sum(p.numel() for p in model.parameters())

    assert count(("before_act",)) - count(()) == 2 * 2 * 8
    assert count(("before_weight",)) - count(()) == 2 * 8  # not on the data
    assert count(("output", "after_act")) - count(()) == 2 * 2 * 8 + 2 * 3


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_equals_a_plain_stack_of_layers(build_model: Any, assert_same_function: Any, activation: str) -> None:
    ours = build_model("mlp", (1, 2, 3), 4, depth=2, width=5, activation=activation)
    act = ACTIVATIONS[activation]
    plain = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), act(), nn.Linear(5, 5), act(), nn.Linear(5, 4)).double()
    assert_same_function(ours, plain, torch.randn(7, 1, 2, 3, dtype=torch.float64))


def test_equals_a_plain_stack_with_batch_norm(build_model: Any, assert_same_function: Any) -> None:
    ours = build_model("mlp", (6,), 4, norm="batch", at=("before_act",), depth=2, width=5)
    hidden = [layer for n in (6, 5) for layer in (nn.Linear(n, 5), nn.BatchNorm1d(5), nn.ReLU())]
    plain = nn.Sequential(*hidden, nn.Linear(5, 4)).double()
    x = torch.randn(7, 6, dtype=torch.float64)
    assert_same_function(ours, plain, x)
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x), rtol=1e-12, atol=1e-12)
