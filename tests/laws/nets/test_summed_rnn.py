"""The published recurrent net on an input for which its gradient is known."""

import pytest
import torch

from bnlab.laws.net import start
from bnlab.laws.nets.recurrent import through_time
from bnlab.laws.nets.summed_rnn import SummedRNN
from bnlab.laws.through_time import gain, identity_gain


def test_on_two_values() -> None:
    # h_t = ±tanh γ for ever, exactly: the sum is norm's only input, and W_h = 1.
    x = torch.zeros(20, 12, dtype=torch.float64)
    x[:10, 0], x[10:, 0] = 1.0, -1.0
    net = start(
        SummedRNN, "batch", {"hidden_to_hidden"}, (12,), seed=0, init="glorot",
        width=8, gamma=0.5, noise=0.0, recurrent="identity", seed_h=0,
    )  # fmt: skip
    assert gain(through_time(net, x, 0)) == pytest.approx(identity_gain(0.5), abs=1e-9)


def test_an_orthogonal_recurrent_weight() -> None:
    net = start(
        SummedRNN, "batch", {"hidden_to_hidden"}, (12,), seed=0, init="glorot",
        width=8, gamma=0.5, noise=0.0, recurrent="orthogonal", seed_h=3,
    )  # fmt: skip
    weight = net.get_parameter("from_hidden.weight")
    torch.testing.assert_close(weight @ weight.T, torch.eye(8, dtype=torch.float64), atol=1e-6, rtol=0)
