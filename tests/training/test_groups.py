"""Groups of batches whose last one may be smaller: all results are means over the group's examples."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.models.base import Model, assemble, initialize
from bnlab.models.units import Head
from bnlab.noise import Noise
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.passes import weights
from bnlab.training.state import Output, TrainState
from bnlab.training.step import METRICS, make_step
from tests.diagnostics.small import Spy
from tests.training.parts import data, net, train

LR = 0.1
GROUPS: dict[str, tuple[int, ...]] = {
    "one": (8,), "one of one": (1,), "equal": (8, 8), "ragged": (8, 3), "last of one": (8, 1), "three": (8, 8, 5),
    "many": (4, 4, 4, 4, 4, 1),
}  # fmt: skip
either = pytest.mark.parametrize("replicas", [1, 3], ids=["serial", "fused"])
groups = pytest.mark.parametrize("sizes", GROUPS.values(), ids=GROUPS)


class Updated:
    """Results of one update of replicas with these batch sizes, of a net without batch statistics."""

    def __init__(self, sizes: Sequence[int], replicas: int, clip: float | None = None) -> None:
        self.nets = [net(seed, norm="layer") for seed in range(replicas)]
        self.executor = Fused(self.nets) if replicas > 1 else Serial(*self.nets)
        optimizer = SGD(lr=LR, momentum=0.0, weight_decay=0.0, nesterov=False)
        params, buffers = self.executor.tensors()
        self.state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
        draw = torch.Generator().manual_seed(0)
        self.batches = [
            [
                (torch.randn(n, 6, generator=draw, dtype=torch.float64), torch.randint(3, (n,), generator=draw))
                for n in sizes
            ]
            for _ in range(replicas)
        ]
        self.spy = Spy()
        step = make_step(self.executor, optimizer, {"spy": self.spy}, clip)
        stack = self.executor.stack
        together = [(stack([x for x, _ in one]), stack([y for _, y in one])) for one in zip(*self.batches, strict=True)]
        self.shares = weights(self.executor, together)
        rate = stack([torch.tensor(LR, dtype=torch.float64)] * replicas)
        noise = Noise(list(range(replicas)), 0, torch.device("cpu"))
        hyper = Hyper(rate, torch.zeros_like(rate), torch.zeros_like(rate))
        self.before = {name: self.executor.unstack(p).detach().clone() for name, p in params.items()}
        step(self.state, together, hyper, ["spy"], noise, update=False)
        self.again = self.spy.looks[0].extra.again()
        self.output: Output = step(self.state, together, hyper, [METRICS], noise)
        self.after = {name: self.executor.unstack(p).detach() for name, p in self.state.params.items()}

    def whole(self, r: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return loss, accuracy and gradient of one large batch of all examples of a replica."""
        x, y = (torch.cat(parts) for parts in zip(*self.batches[r], strict=True))
        one = net(r, norm="layer")
        prediction = one(x)
        loss = F.cross_entropy(prediction, y)
        names = [name for name, _ in one.named_parameters()]
        grads = torch.autograd.grad(loss, list(one.parameters()))
        return loss.detach(), (prediction.argmax(1) == y).double().mean(), dict(zip(names, grads, strict=True))


@groups
@either
def test_a_group_is_one_large_batch(sizes: tuple[int, ...], replicas: int) -> None:
    """Loss, accuracy, gradient norm, update, and results of additional passes."""
    done = Updated(sizes, replicas)
    assert done.output.accuracy_R is not None
    assert done.output.grad_norm_R is not None
    assert done.again.loss_R is not None
    for r in range(replicas):
        loss, accuracy, grads = done.whole(r)
        torch.testing.assert_close(done.output.loss_R[r], loss, rtol=1e-13, atol=0)
        torch.testing.assert_close(done.output.accuracy_R[r].double(), accuracy, rtol=1e-13, atol=0)
        norm = torch.cat([g.flatten() for g in grads.values()]).norm()
        torch.testing.assert_close(done.output.grad_norm_R[r], norm, rtol=1e-12, atol=0)
        torch.testing.assert_close(done.again.loss_R[r], loss, rtol=1e-13, atol=0)
        for name, grad in grads.items():
            torch.testing.assert_close(done.after[name][r], done.before[name][r] - LR * grad, rtol=1e-12, atol=1e-14)
            torch.testing.assert_close(done.again.grads[name][r], grad, rtol=1e-11, atol=1e-14)
            torch.testing.assert_close(done.spy.looks[0].grads[name][r], grad, rtol=1e-11, atol=1e-14)


@groups
@either
def test_clipping_is_of_the_whole_gradient(sizes: tuple[int, ...], replicas: int) -> None:
    done = Updated(sizes, replicas, clip=0.01)
    for r in range(replicas):
        moved = torch.cat([(done.after[name][r] - done.before[name][r]).flatten() for name in done.after])
        assert moved.norm().item() == pytest.approx(LR * 0.01, rel=1e-10)


@groups
@either
def test_gradients_at_sites_are_of_the_first_batch_alone(sizes: tuple[int, ...], replicas: int) -> None:
    done = Updated(sizes, replicas)
    for r in range(replicas):
        x, y = done.batches[r][0]
        one = net(r, norm="layer")
        loss = F.cross_entropy(one(x), y)
        (grad,) = torch.autograd.grad(loss, [one.head.weight.bias])  # type: ignore[union-attr, list-item]
        found = done.spy.looks[0].site_grads["head.output"][0][r]
        torch.testing.assert_close(found.sum(0), grad, rtol=1e-11, atol=1e-14)


def test_weights_of_equal_batches_are_one_exactly_and_add_up() -> None:
    for sizes in GROUPS.values():
        shares = Updated(sizes, 1).shares
        assert sum(shares) == pytest.approx(len(sizes))
        if len(set(sizes)) == 1:
            assert shares == [1.0] * len(sizes), "training with equal batches must be equal to the bit"


RUNS: dict[str, dict[str, Any]] = {  # of 74 training examples: 4 batches of 16 and one of 10
    "whole": {"accumulate": 1, "drop_last": True, "epoch": 64},
    "ragged": {"accumulate": 1, "drop_last": False, "epoch": 74},
    "last group ragged": {"accumulate": 5, "drop_last": False, "epoch": 74},
    "ragged batch in no group": {"accumulate": 2, "drop_last": False, "epoch": 64},
    "one batch of all": {"accumulate": 1, "drop_last": False, "batch_size": 100, "epoch": 74},
}


@pytest.mark.parametrize("given", RUNS.values(), ids=RUNS)
def test_examples_are_those_that_were_seen(given: dict[str, Any]) -> None:
    """In steps.csv, and in the throughput."""
    source = data(n=90, batch_size=given.get("batch_size", 16), drop_last=given["drop_last"])
    per_epoch = source.common.updates_per_epoch(source.n_train, given["accumulate"])
    (memory,), (outcome,) = train(
        [0.01], source=source, accumulate=given["accumulate"], updates=3 * per_epoch, log_every=1
    )
    seen = {row["step"]: row["examples"] for row in memory.rows["steps"]}
    assert [seen[epoch * per_epoch] for epoch in range(4)] == [epoch * given["epoch"] for epoch in range(4)]
    pace, throughput = outcome.cost["update_seconds"], outcome.cost["examples_per_second"]
    assert pace is not None
    assert throughput is not None
    assert throughput * pace == pytest.approx(given["epoch"] / per_epoch)


class Sum(Model):
    """Linear map whose weight is the sum of two parameters and a third one transposed: one gradient for all."""

    name = "sum"
    default_sites = ("output",)

    def __init__(self, shape: Sequence[int], outputs: int, norms: Placement) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Parameter(torch.empty(6, 6)) for _ in range(3))
        self.head = Head(6, outputs, norms)

    def reset_parameters(self) -> None:
        for i, p in enumerate((self.first, self.second, self.third)):
            nn.init.normal_(p, std=0.1 * (i + 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x @ (self.first + self.second + self.third.T))


@either
@pytest.mark.parametrize("sizes", [(8,), (8, 8), (8, 3)], ids=str)
@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("nesterov", [False, True])
def test_parameters_with_one_gradient_move_as_by_torch(
    nesterov: bool, clip: float | None, sizes: tuple[int, ...], replicas: int
) -> None:
    """With clipping, momentum and weight decay, which all work in place."""
    nets = []
    for seed in range(replicas):
        one = assemble(Sum, (6,), 3, Placement(None, ()), {})
        initialize(one, "torch", 0.01, seed)
        nets.append(one.double())
    others = deepcopy(nets)
    executor = Fused(nets) if replicas > 1 else Serial(*nets)
    optimizer = SGD(lr=LR, momentum=0.9, weight_decay=0.1, nesterov=nesterov)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    step = make_step(executor, optimizer, {}, clip)
    value = [executor.stack([torch.tensor(v, dtype=torch.float64)] * replicas) for v in (LR, 0.9, 0.1)]
    draw = torch.Generator().manual_seed(0)
    theirs = [
        torch.optim.SGD(one.parameters(), lr=LR, momentum=0.9, weight_decay=0.1, nesterov=nesterov) for one in others
    ]
    for n in range(3):
        x = [torch.randn(replicas, size, 6, generator=draw, dtype=torch.float64) for size in sizes]
        y = [torch.randint(3, (replicas, size), generator=draw) for size in sizes]
        batches = [(executor.stack(list(x_R)), executor.stack(list(y_R))) for x_R, y_R in zip(x, y, strict=True)]
        step(state, batches, Hyper(*value), [], Noise(list(range(replicas)), n, torch.device("cpu")))
        for r, (one, other) in enumerate(zip(others, theirs, strict=True)):
            loss = F.cross_entropy(one(torch.cat([part[r] for part in x])), torch.cat([part[r] for part in y]))
            other.zero_grad()
            loss.backward()
            norm = torch.cat([p.grad.flatten() for p in one.parameters() if p.grad is not None]).norm()
            for p in one.parameters():
                assert p.grad is not None
                p.grad *= 1.0 if clip is None else min(1.0, clip / norm.item())
            other.step()
            for name, p in one.named_parameters():
                found = executor.unstack(state.params[name])[r].detach()
                torch.testing.assert_close(found, p.detach(), rtol=1e-10, atol=1e-13)
