"""Instance norm compared with torch.nn."""

import pytest
import torch
from torch import nn

from bnlab.errors import Refused

TORCH = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 3, 5), (2, 3, 3, 2), (1, 3, 3, 2), (2, 3, 1, 2, 3)], ids=str)
def test_equals_torch(make_norm, shape, affine):
    ours = make_norm("instance", 3, affine=affine, dtype=torch.float64)
    theirs = TORCH[len(shape)](3, affine=affine, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    dy = torch.randn_like(x)
    y, expected = ours(x), theirs(x)
    torch.testing.assert_close(y, expected)
    gradients = torch.autograd.grad(y, [x, *ours.parameters()], dy)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, [x, *theirs.parameters()], dy))
    torch.testing.assert_close(ours.eval()(x), y)


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 1), (6, 3, 1, 1)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_one_value_a_channel_and_example_is_refused(make_norm, shape, training):
    with pytest.raises(Refused, match=r"norm=instance has 1 value for each channel of an example.*norm=group"):
        make_norm("instance", 3).train(training)(torch.randn(shape))
