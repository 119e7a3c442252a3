"""Small nets trained step by step, single or stacked, and the same computations in plain torch; in float64."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from omegaconf import OmegaConf
from torch import Tensor

from bnlab.config.folder import conf_dir
from bnlab.diagnostics.base import Diagnostic
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.models.base import Model, assemble, initialize
from bnlab.noise import Noise, source
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.base import Optimizer
from bnlab.optim.optimizers.sgd import SGD
from bnlab.registry import find
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.passes import Batch
from bnlab.training.state import Output, TrainState
from bnlab.training.step import make_step

BATCH, CLASSES = 6, 3
LRS, MOMENTUM, DECAY, CLIP = (0.05, 0.02, 0.01), 0.9, 0.01, 1.0
PLAIN_SGD = SGD(lr=0.1, momentum=MOMENTUM, weight_decay=DECAY, nesterov=False)
BATCH_NORM = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True, "sync": True}
# Shape of an example, sites with a norm, options of the model.
NETS: dict[str, tuple[tuple[int, ...], tuple[str, ...], dict[str, Any]]] = {
    "mlp": ((5,), ("before_act",), {"depth": 3, "width": 4, "activation": "tanh", "dropout": 0.2, "bias": True}),
    "cnn": (
        (2, 6, 6), ("before_act",),
        {"depth": 2, "width": 3, "pool": "max", "pool_every": 1, "activation": "relu", "dropout": 0.0, "bias": True},
    ),
    "resnet": (
        (2, 4, 4), ("before_act",),
        {"depth": 8, "width": 2, "preact": False, "shortcut": "A", "branch_only": False, "scheme": "none",
         "activation": "relu", "dropout": 0.2, "bias": False},
    ),
    "lstm": (
        (1, 3, 4), ("input_to_hidden", "hidden_to_hidden", "cell"),
        {"depth": 1, "width": 3, "sequence": "rows", "permute": False, "statistics_per_step": True, "gamma": 0.3,
         "forget_bias": 1.0, "dropout": 0.0},
    ),
}  # fmt: skip


def at_defaults(name: str, **changes: Any) -> Diagnostic:
    """Return a diagnostic with the options of its yaml, some of them replaced."""
    options = OmegaConf.to_container(OmegaConf.load(conf_dir() / "diagnostics" / f"{name}.yaml"))
    assert isinstance(options, dict)
    return find("diagnostics", name).load()(**options[name] | changes)


def build(net: str, seed: int, *, normed: bool = True, **options: Any) -> Model:
    """Return a net with the initial values of a seed, with batch norm or none; other options replace those above."""
    shape, sites, own = NETS[net]
    norms = Placement.of(find("norm", "batch").load(), BATCH_NORM, sites if normed else ())
    model = assemble(find("model", net).load(), shape, CLASSES, norms, own | options)
    initialize(model, "he", 0.01, seed)
    return model.double()


def drawn(net: str, seed: int) -> Batch:
    """Return a batch of a net's inputs."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(BATCH, *NETS[net][0], generator=draw, dtype=torch.float64)
    return x, torch.randint(CLASSES, (BATCH,), generator=draw)


def fixed_batch(net: str) -> Batch:
    """Return the batch that is the same at every step."""
    return drawn(net, 10**6)


class Training:
    """Replicas with these seeds, below three, each with its own learning rate and batches, two per update.

    Several replicas are stacked. The fixed batch is shared.
    """

    def __init__(
        self, net: str, seeds: Sequence[int], diagnostics: Mapping[str, Diagnostic] | None = None, *,
        optimizer: Optimizer = PLAIN_SGD, models: Sequence[Model] | None = None,
    ) -> None:  # fmt: skip
        self.net, self.seeds = net, seeds
        nets = [build(net, seed) for seed in seeds] if models is None else list(models)
        self._blank = deepcopy(nets[0])
        self.executor = Serial(*nets) if len(nets) == 1 else Fused(nets)
        params, buffers = self.executor.tensors()
        self.state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
        self._spy = Spy()
        every = {**(diagnostics or {}), "spy": self._spy}
        self._step = make_step(self.executor, optimizer, every, CLIP, fixed_batch(net))

    def own_batches(self, seed: int) -> list[Batch]:
        """Return the batches of one replica's next update."""
        return [drawn(self.net, 100 * self.state.step + 10 * seed + i) for i in range(2)]

    def step(self, due: Sequence[str] = (), *, update: bool = True) -> Output:
        """Run one update, or only look at what it would update."""

        def stacked(of: Sequence[float]) -> Tensor:
            return self.executor.stack([torch.tensor(v, dtype=torch.float64) for v in of])

        stack = self.executor.stack
        both = zip(*map(self.own_batches, self.seeds), strict=True)
        batches = [(stack([x for x, _ in one]), stack([y for _, y in one])) for one in both]
        replicas = len(self.seeds)
        hyper = Hyper(
            stacked([LRS[s] for s in self.seeds]), stacked([MOMENTUM] * replicas), stacked([DECAY] * replicas)
        )
        self.executor.train(True)
        noise = Noise(self.seeds, self.state.step, torch.device("cpu"))
        return self._step(self.state, batches, hyper, due, noise, update=update)

    def look(self) -> Look:
        """Look at the next update, with all optional parts."""
        self.step(["spy"], update=False)
        return self._spy.looks.pop()

    def tensors(self) -> dict[str, Tensor]:
        """Return a copy of everything that training changes."""
        slots = {f"{slot} {i}": v for slot, values in self.state.slots.items() for i, v in enumerate(values)}
        return {name: t.detach().clone() for name, t in (self.state.tensors | self.state.buffers | slots).items()}

    def plain(self, replica: int, moved: Named | None = None) -> Model:
        """Return the net of a replica in its current state, in training mode, with some parameters replaced."""
        net = deepcopy(self._blank)
        tensors = (self.state.tensors | self.state.buffers).items()
        own = {name: self.executor.unstack(t)[replica] for name, t in tensors} | (moved or {})
        with torch.no_grad():
            for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
                tensor.copy_(own[name])
        return net

    def noise(self, replica: int) -> AbstractContextManager[None]:
        """Draw the same noise in a pass of the replica alone as in the step."""
        return source(Noise([self.seeds[replica]], self.state.step, torch.device("cpu")))

    def gradient(self, replica: int, moved: Named | None = None) -> tuple[Tensor, Named]:
        """Return the mean loss over the batches of a replica's update, and its gradient by parameter."""
        net = self.plain(replica, moved)
        with self.noise(replica):
            losses = [F.cross_entropy(net(x), y) for x, y in self.own_batches(self.seeds[replica])]
        loss = torch.stack(losses).mean()
        names = [name for name, _ in net.named_parameters()]
        return loss.detach(), dict(zip(names, torch.autograd.grad(loss, [*net.parameters()]), strict=True))

    def updated(self, replica: int) -> Named:
        """Return its parameters after the next update, with `PLAIN_SGD`."""
        _, grads = self.gradient(replica)
        norm = torch.cat([g.flatten() for g in grads.values()]).norm()
        velocity = dict(zip(self.state.params, map(self.executor.unstack, self.state.slots["velocity"]), strict=True))
        new = {}
        for name, parameter in self.plain(replica).named_parameters():
            p = parameter.detach()
            direction = grads[name] * min(1.0, CLIP / norm) + DECAY * p
            new[name] = p - LRS[self.seeds[replica]] * (MOMENTUM * velocity[name][replica] + direction)
        return new


class Spy(Diagnostic):
    """Diagnostic that keeps its looks."""

    name = "spy"
    needs: ClassVar = ("before", "site_grads", "statistics")

    def __init__(self) -> None:
        self.looks: list[Look] = []

    def observe(self, look: Look) -> Named:
        self.looks.append(look)
        return {}
