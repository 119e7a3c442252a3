"""The plain convolutional net."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from bnlab.errors import Refused


def plan(side: int, depth: int, width: int, pool: str, every: int) -> tuple[list[int], list[bool]]:
    """Return the channels before each weight (the head's last), and after which convolutions the image is halved."""
    channels, halved = [], []
    for i in range(depth):
        channels.append(width)
        halved.append(pool != "none" and (i + 1) % every == 0 and side > 1)
        if halved[-1]:
            side, width = side // 2, 2 * width
    return channels, halved


CASES = [(8, 4, 6, "max", 2), (8, 5, 4, "avg", 1), (9, 3, 4, "max", 1), (6, 2, 4, "none", 1), (1, 2, 4, "max", 1)]


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("side", "depth", "width", "pool", "every"), CASES)
def test_shape_and_number_of_parameters(
    assemble_model: Any, colours: int, bias: bool, side: int, depth: int, width: int, pool: str, every: int
) -> None:
    shape = (colours, side, side + 2)
    model = assemble_model("cnn", shape, 10, depth=depth, width=width, pool=pool, pool_every=every, bias=bias)
    channels, _ = plan(side, depth, width, pool, every)
    expected = sum(9 * n * m + bias * m for n, m in pairwise([colours, *channels])) + channels[-1] * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == expected
    assert model(torch.empty(6, *shape, device="meta")).shape == (6, 10)


@pytest.mark.parametrize(("side", "depth", "width", "pool", "every"), CASES)
def test_equals_a_plain_stack_of_layers(
    build_model: Any, assert_same_function: Any, side: int, depth: int, width: int, pool: str, every: int
) -> None:
    ours = build_model("cnn", (3, side, side), 4, depth=depth, width=width, pool=pool, pool_every=every)
    channels, halved = plan(side, depth, width, pool, every)
    layers: list[nn.Module] = []
    for (n, m), halve in zip(pairwise([3, *channels]), halved, strict=True):
        layers += [nn.Conv2d(n, m, 3, padding=1), nn.ReLU()]
        if halve:
            layers.append(nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(2))
    plain = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 4)).double()
    assert_same_function(ours, plain, torch.randn(5, 3, side, side, dtype=torch.float64))


def test_equals_a_plain_stack_with_batch_norm_after_the_activation(build_model: Any, assert_same_function: Any) -> None:
    ours = build_model("cnn", (1, 6, 6), 4, norm="batch", at=("after_act",), depth=2, width=4, pool_every=1)
    block = [
        [nn.Conv2d(n, m, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(m), nn.MaxPool2d(2)] for n, m in ((1, 4), (4, 8))
    ]
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)]
    plain = nn.Sequential(*block[0], *block[1], *tail).double()
    assert_same_function(ours, plain, torch.randn(5, 1, 6, 6, dtype=torch.float64))


def test_doubles_channels_where_it_halves_the_picture(assemble_model: Any) -> None:
    model = assemble_model("cnn", (1, 8, 8), 10, depth=5, width=4, pool="max", pool_every=1)
    assert [unit.weight.out_channels for unit in model.units] == [4, 8, 16, 32, 32]
    assert [not isinstance(pool, nn.Identity) for pool in model.pools] == [True, True, True, False, False]


@pytest.mark.parametrize("shape", [(20,), (4, 5)])
def test_data_that_are_no_images_are_refused(assemble_model: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match=r"model=cnn needs images .* use model=mlp"):
        assemble_model("cnn", shape, 10)
