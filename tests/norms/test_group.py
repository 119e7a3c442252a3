"""Group norm compared with torch.nn."""

import pytest
import torch
from torch import nn

from bnlab.errors import Refused


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("shape", [(5, 12), (1, 12), (4, 12, 3), (2, 12, 3, 2), (2, 12, 1, 2, 3)], ids=str)
def test_equals_torch(make_norm, shape, groups, affine):
    ours = make_norm("group", 12, groups=groups, affine=affine, dtype=torch.float64)
    theirs = nn.GroupNorm(groups, 12, affine=affine, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    dy = torch.randn_like(x)
    y, expected = ours(x), theirs(x)
    torch.testing.assert_close(y, expected)
    gradients = torch.autograd.grad(y, [x, *ours.parameters()], dy)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, [x, *theirs.parameters()], dy))
    torch.testing.assert_close(ours.eval()(x), y)


def test_statistics_by_hand(make_norm):
    x = torch.randn(3, 4, 2, 2, dtype=torch.float64)
    y = make_norm("group", 4, groups=2, dtype=torch.float64)(x)
    group = x[:, 2:].reshape(3, -1)
    expected = (group - group.mean(1, keepdim=True)) / (group.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(y[:, 2:].reshape(3, -1), expected)


def test_groups_must_divide_the_channels(make_norm):
    with pytest.raises(Refused, match=r"norm\.groups=4 does not divide 10 channels: take one of 1, 2, 5, 10$"):
        make_norm("group", 10, groups=4)


def test_one_value_a_group_is_refused(make_norm):
    norm = make_norm("group", 4, groups=4)
    with pytest.raises(Refused, match=r"1 value for each group of an example.*norm\.groups below 4"):
        norm(torch.randn(3, 4))
    norm(torch.randn(3, 4, 1, 2))
