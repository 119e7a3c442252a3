"""The deep linear net."""

from typing import Any

import pytest
import torch
from torch import nn

from bnlab.models.describe import layers


@pytest.mark.parametrize("depth", [1, 24])
@pytest.mark.parametrize("bias", [True, False])
def test_number_of_parameters(assemble_model: Any, depth: int, bias: bool) -> None:
    model = assemble_model("deep_linear", (2, 3), 4, depth=depth, width=10, bias=bias)
    expected = 6 * 10 + (depth - 1) * 100 + 10 * 4 + bias * (10 * depth + 4)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_is_a_product_of_matrices(build_model: Any) -> None:
    model = build_model("deep_linear", (10,), 10, init="glorot").double()
    x = torch.randn(7, 10, dtype=torch.float64)
    matrices = [p.T for p in model.parameters()]
    assert [m.shape for m in matrices] == [(10, 10)] * 25
    torch.testing.assert_close(model(x), torch.linalg.multi_dot([x, *matrices]))


def test_all_but_the_last_map_have_a_norm(assemble_model: Any) -> None:
    model = assemble_model("deep_linear", (10,), 10, norm="batch", at=("before_act",))
    found = [layer for layer in layers(model, 2) if layer.kind == "Linear" or layer.norm]
    assert [layer.norm for layer in found] == ["", "batch"] * 24 + [""]
    assert found[-1].path == "head.weight"


def test_equals_a_plain_net(build_model: Any, assert_same_function: Any) -> None:
    ours = build_model("deep_linear", (6,), 4, norm="batch", at=("before_act",), depth=3, width=5, init="glorot")
    hidden = [layer for n in (6, 5, 5) for layer in (nn.Linear(n, 5, bias=False), nn.BatchNorm1d(5))]
    plain = nn.Sequential(*hidden, nn.Linear(5, 4, bias=False)).double()
    x = torch.randn(7, 6, dtype=torch.float64)
    assert_same_function(ours, plain, x)
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x), rtol=1e-12, atol=1e-12)
