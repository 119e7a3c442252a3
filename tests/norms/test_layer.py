"""Layer norm against torch.nn, and how torch's own reading differs on images."""

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


def test_examples_of_one_value_are_refused(make_norm):
    with pytest.raises(Refused, match="norm=layer has 1 value for each example"):
        make_norm("layer", 1)(torch.randn(5, 1))
    make_norm("layer", 1)(torch.randn(5, 1, 2))
