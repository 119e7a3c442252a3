"""Scores over a complete split."""

import pytest
import torch
from torch.nn import functional as F

from bnlab.training.evaluate import in_order, score
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from tests.training.parts import net


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 60, 1000])
def test_accuracy_is_a_count_over_n_and_loss_the_mean_whatever_the_batches(batch_size: int, fused: bool) -> None:
    nets = [net(seed, torch.float32).eval() for seed in range(2 if fused else 1)]
    executor = Fused(nets) if fused else Serial(*nets)
    executor.train(False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, [])
    draw = torch.Generator().manual_seed(0)
    for n in (100, 97, 1000):
        x, y = torch.randn(n, 6, generator=draw), torch.randint(3, (n,), generator=draw)
        found = score(executor, state, in_order(x, y, batch_size))
        assert found.n == n
        assert found.accuracy_R is not None
        for one, loss, accuracy in zip(nets, found.loss_R, found.accuracy_R, strict=True):
            logits = one(x)
            assert accuracy == (logits.argmax(1) == y).sum().item() / n
            assert loss == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-5)
