"""A pass leaves the norm as it is; noise is the same at each call."""

from collections.abc import Callable

import torch
from torch import Tensor

from bnlab.norms.base import Norm
from bnlab.zoo.passing import batch, normal, passed, train
from bnlab.zoo.specimen import Specimen


class Global(Norm):
    """Draws from torch's global generator, as a user's norm may."""

    name = "global"

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn(())


def test_a_pass_changes_no_state(at_defaults: Callable[..., Specimen]) -> None:
    norm, x = at_defaults("batch").build((8, 3)), normal((8, 3), seed=0)
    passed(norm, x, training=True)
    assert norm.running_mean.tolist() == [0, 0, 0]
    train(norm, [x])
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean(0))
    torch.testing.assert_close(passed(norm, x, training=True).mean(0), torch.zeros(3, dtype=torch.float64))


def test_noise_is_the_same_at_each_call(at_defaults: Callable[..., Specimen]) -> None:
    x = normal((8, 3), seed=0)
    for norm in (at_defaults("noisy_batch").build((8, 3)), Global(3)):
        assert torch.equal(passed(norm, x, training=True), passed(norm, x, training=True))


def test_channels_of_a_batch_differ_alike_for_all_seeds() -> None:
    one, other = (batch((4000, 5), seed) for seed in range(2))
    assert not torch.equal(one, other)
    torch.testing.assert_close(one.mean(0), other.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(one.std(0), torch.linspace(0.5, 3, 5, dtype=torch.float64), atol=0.1, rtol=0)
