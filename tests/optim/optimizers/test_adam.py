"""Adam and AdamW against torch.optim."""

from typing import Any

import pytest
import torch

from bnlab.optim.optimizers.adam import Adam, AdamW

BETAS = (0.8, 0.95)
pairs = pytest.mark.parametrize(("ours", "theirs"), [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)])


@pairs
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_equals_torch(walk: Any, ours: Any, theirs: Any, weight_decay: float, eps: float) -> None:
    mine = walk.ours(
        ours(lr=0.1, beta1=BETAS[0], beta2=BETAS[1], eps=eps, weight_decay=weight_decay), weight_decay=weight_decay
    )
    other = walk.theirs(lambda params: theirs(params, lr=0.1, betas=BETAS, eps=eps, weight_decay=weight_decay))
    torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


@pairs
def test_stacked_runs_equal_runs_alone(assert_stacked_equals_serial: Any, ours: Any, theirs: Any) -> None:
    assert_stacked_equals_serial(
        lambda: ours(lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1), {"weight_decay": (0.0, 0.1, 0.01)}
    )


def test_the_first_step_has_the_size_of_the_rate(walk: Any) -> None:
    # m̂ = g and v̂ = g² after one step, whatever β₁ and β₂ are.
    walk = type(walk)(walk.start, walk.grads[:1], [0.01])
    after = walk.ours(Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-12, weight_decay=0.0))
    for start, param, grad in zip(walk.start, after, walk.grads[0], strict=True):
        torch.testing.assert_close(start - param, 0.01 * grad.sign(), rtol=1e-6, atol=0)
