"""Looks at real nets after some updates, as the step creates them, single and stacked, and the nets themselves."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.models.base import Model
from bnlab.noise import Noise
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import make_step
from tests.models.conftest import built

BATCH, CLASSES = 8, 4
LR, MOMENTUM, DECAY = 0.05, 0.9, 0.01


class Catch(Diagnostic):
    """Diagnostic that keeps the look, with all its optional parts."""

    needs = ("before", "site_grads", "statistics")

    def observe(self, look: Look) -> Named:
        self.look = look
        return {}

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        raise NotImplementedError


class Seen(NamedTuple):
    """A look at R replicas, and by replica the net (before the next update) and the batch.

    Attributes:
        start: the nets before the first update.
        batches: batches (x, y) by replica, of all updates, that of the next update last.
    """

    look: Look
    nets: list[Model]
    start: list[Model]
    batches: list[list[tuple[Tensor, Tensor]]]


def seen(
    name: str, shape: tuple[int, ...], replicas: int, *, updates: int = 2, clip: float | None = None,
    prepare: Callable[[Model], object] = lambda _: None, **options: Any,
) -> Seen:  # fmt: skip
    """Train nets with consecutive seeds, each on its own batches, and look before the next update."""
    nets = [built(name, shape, CLASSES, seed=seed, **options) for seed in range(replicas)]
    for net in nets:
        prepare(net)
    start = deepcopy(nets)
    executor = Fused(nets) if replicas > 1 else Serial(nets[0])
    optimizer = SGD(lr=LR, momentum=MOMENTUM, weight_decay=DECAY, nesterov=False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    each = [torch.tensor(value, dtype=torch.float64) for value in (LR, MOMENTUM, DECAY)]
    hyper = Hyper(*(executor.stack([value] * replicas) for value in each))
    catch, draw = Catch(), torch.Generator().manual_seed(0)
    step = make_step(executor, optimizer, {"catch": catch}, clip)
    batches: list[list[tuple[Tensor, Tensor]]] = []
    for update in range(updates + 1):
        x_R = torch.randn(replicas, BATCH, *shape, generator=draw, dtype=torch.float64) + 1
        y_R = torch.randint(CLASSES, (replicas, BATCH), generator=draw)
        batches.append(list(zip(x_R, y_R, strict=True)))
        last = update == updates
        group = [(executor.stack(list(x_R)), executor.stack(list(y_R)))]
        noise = Noise(range(replicas), update, x_R.device)
        step(state, group, hyper, ["catch"] if last else [], noise, update=not last)
    return Seen(catch.look, [_one(executor, state, net, r) for r, net in enumerate(nets)], start, batches)


def _one(executor: Fused | Serial, state: TrainState, net: Model, replica: int) -> Model:
    """Return a separate net with a replica's parameters and buffers."""
    own = deepcopy(net)
    with torch.no_grad():
        for name, tensor in [*own.named_parameters(), *own.named_buffers()]:
            tensor.copy_(executor.unstack((state.params | state.buffers)[name])[replica])
    return own
