"""Layer norm compared with torch.nn, and the difference of torch's own definition on images."""

import pytest
import torch
from torch import nn

from bnlab.errors import Refused


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(5, 6), (1, 6), (4, 6, 3), (2, 6, 3, 2), (2, 6, 1, 2, 3)], ids=str)
def test_equals_torch(make_norm, shape, affine):
    ours = make_norm("layer", 6, affine=affine, dtype=torch.float64)
    if len(shape) == 2:
        theirs = nn.LayerNorm(6, elementwise_affine=affine, dtype=torch.float64)
    else:
        theirs = nn.GroupNorm(1, 6, affine=affine, dtype=torch.float64)
    if affine:
        with torch.no_grad():
            ours.weight.uniform_(0.5, 2)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    dy = torch.randn_like(x)
    y, expected = ours(x), theirs(x)
    torch.testing.assert_close(y, expected)
    gradients = torch.autograd.grad(y, [x, *ours.parameters()], dy)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, [x, *theirs.parameters()], dy))
    torch.testing.assert_close(ours.eval()(x), y)


def test_on_images_the_statistics_are_those_of_torchs_layer_norm_over_chw(make_norm):
    x = torch.randn(2, 6, 3, 2, dtype=torch.float64)
    theirs = nn.LayerNorm((6, 3, 2), elementwise_affine=False)
    torch.testing.assert_close(make_norm("layer", 6, affine=False, dtype=torch.float64)(x), theirs(x))


def test_on_images_gain_and_shift_are_one_a_channel(make_norm):
    assert [tuple(parameter.shape) for parameter in make_norm("layer", 6).parameters()] == [(6,), (6,)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(5, 6), (4, 6, 3), (2, 6, 3, 2), (2, 6, 1, 2, 3)], ids=str)
def test_over_channels_it_is_torchs_layer_norm_on_channels_last(make_random, assert_agrees, shape, affine):
    ours = make_random("layer", 6, axes="channels", affine=affine)
    theirs = nn.LayerNorm(6, eps=ours.eps, elementwise_affine=affine)
    theirs.weight, theirs.bias = ours.weight, ours.bias
    x = torch.randn(shape, dtype=torch.float64)
    assert_agrees(ours, lambda x: theirs(x.movedim(1, -1)).movedim(-1, 1), x)
    torch.testing.assert_close(ours.eval()(x), ours.train()(x))


@pytest.mark.parametrize("axes", ["all", "channels"])
@pytest.mark.parametrize("shape", [(16, 64), (16, 64, 4, 4)], ids=len)
def test_large_offset(make_norm, shape, axes):
    x = torch.randn(shape) + 1e4
    expected = make_norm("layer", 64, axes=axes, dtype=torch.float64)(x.double())
    torch.testing.assert_close(make_norm("layer", 64, axes=axes)(x).double(), expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize("axes", ["all", "channels"])
def test_constant_example_becomes_the_shift(make_random, axes):
    norm = make_random("layer", 6, axes=axes)
    y = norm(torch.full((2, 6, 2, 2), 0.1, dtype=torch.float64))
    torch.testing.assert_close(y, norm.bias.view(1, 6, 1, 1).expand_as(y))


@pytest.mark.parametrize("axes", ["all", "channels"])
def test_nan_stays_where_it_is_normalized(make_norm, axes):
    x = torch.randn(3, 4, 2, 2)
    x[1, 2, 0, 1] = torch.nan
    y = make_norm("layer", 4, axes=axes)(x)
    assert y[[0, 2]].isfinite().all()
    assert y[1, :, 0, 1].isnan().all()
    assert y[1, :, 1, 1].isnan().all() == (axes == "all")


def test_examples_of_one_value_are_refused(make_norm):
    with pytest.raises(Refused, match="norm=layer has 1 value for each example"):
        make_norm("layer", 1)(torch.randn(5, 1))
    make_norm("layer", 1)(torch.randn(5, 1, 2))


def test_positions_of_one_channel_are_refused(make_norm):
    with pytest.raises(Refused, match=r"norm=layer has 1 value for each position of an example.*0 whatever it is"):
        make_norm("layer", 1, axes="channels")(torch.randn(5, 1, 2, 2))
