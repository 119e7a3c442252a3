"""VGG nets."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from bnlab.models.describe import layers

# Channels as in the paper's table 1 and in torchvision; M is a max pooling.
PUBLISHED: dict[int, list[int | str]] = {
    11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
}


def n_params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("depth", "count"), [(11, 9_231_114), (13, 9_416_010), (16, 14_728_266)])
def test_published_numbers_of_parameters(assemble_model: Any, depth: int, count: int) -> None:
    """Numbers of the usual nets for CIFAR: batch norm after each convolution, which keeps its bias."""
    assert n_params(assemble_model("vgg", (3, 32, 32), 10, norm="batch", at=("before_act",), depth=depth)) == count


@pytest.mark.parametrize("depth", [11, 13, 16])
@pytest.mark.parametrize("width", [2, 64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("colours", [1, 3])
def test_number_of_parameters(assemble_model: Any, depth: int, width: int, bias: bool, colours: int) -> None:
    model = assemble_model("vgg", (colours, 8, 8), 7, depth=depth, width=width, bias=bias)
    channels = [colours, *(c * width // 64 for c in PUBLISHED[depth] if isinstance(c, int))]
    convolutions = sum(9 * n * m + bias * m for n, m in pairwise(channels))
    assert n_params(model) == convolutions + 7 * channels[-1] + 7
    assert len(channels) - 1 == depth - 3


@pytest.mark.parametrize("depth", [11, 13, 16])
@pytest.mark.parametrize(("side", "poolings"), [(32, 5), (33, 5), (16, 4), (8, 3), (7, 2), (1, 0)])
def test_order_is_the_published_one_until_a_side_would_vanish(
    assemble_model: Any, depth: int, side: int, poolings: int
) -> None:
    model = assemble_model("vgg", (3, side, side + 1), 10, norm="layer", at=("before_act",), depth=depth)
    found = [
        {"MaxPool2d": "M", "ReLU": "act", "before_act": "norm"}.get(layer.kind, layer.shape[0])
        for layer in layers(model, 2)
        if layer.kind in ("Conv2d", "MaxPool2d", "ReLU") or layer.norm
    ]
    expected: list[int | str] = []
    for part in PUBLISHED[depth]:
        if isinstance(part, int):
            expected += [part, "norm", "act"]
        elif expected.count("M") < poolings:
            expected.append("M")
    assert found == expected


@pytest.mark.parametrize("depth", [11, 16])
def test_equals_a_plain_net(build_model: Any, assert_same_function: Any, depth: int) -> None:
    ours = build_model("vgg", (3, 33, 32), 5, norm="batch", at=("before_act",), depth=depth, width=4, init="he")
    parts: list[nn.Module] = []
    n = 3
    for part in PUBLISHED[depth]:
        if isinstance(part, int):
            m = part // 16
            parts += [nn.Conv2d(n, m, 3, padding=1), nn.BatchNorm2d(m), nn.ReLU()]
            n = m
        else:
            parts.append(nn.MaxPool2d(2))
    plain = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n, 5)).double()
    x = torch.randn(6, 3, 33, 32, dtype=torch.float64)
    assert_same_function(ours, plain, x)
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x), rtol=1e-10, atol=1e-10)
