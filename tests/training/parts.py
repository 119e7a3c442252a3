"""A small run built by hand from the parts of `bnlab.training`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

from bnlab.config.folder import conf_dir
from bnlab.data.base import Arrays
from bnlab.data.common import Common
from bnlab.data.tensors import TensorData
from bnlab.diagnostics.activation_histogram import ActivationHistogram
from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.diagnostics.base import Diagnostic
from bnlab.diagnostics.weight_grad_norm import WeightGradNorm
from bnlab.models.base import Model, assemble, initialize
from bnlab.models.mlp import MLP
from bnlab.norms.placement import Placement
from bnlab.optim.optimizers.sgd import SGD
from bnlab.optim.schedules.base import Schedule
from bnlab.optim.schedules.constant import Constant
from bnlab.registry import find
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.length import Length
from bnlab.training.loop import DEFAULT, Loop, Outcome
from bnlab.training.rates import Replica
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics
from bnlab.training.step import make_step


class Memory:
    """Recorder that keeps everything in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.checkpoints: list[dict[str, Any]] = []
        self.arrays: dict[str, dict[str, Any]] = {}

    def append(self, table: str, rows: list[dict[str, Any]]) -> None:
        self.rows.setdefault(table, []).extend(rows)

    def keep(self, name: str, arrays: dict[str, Any]) -> None:
        self.arrays[name] = arrays

    def checkpoint(self, payload: dict[str, Any]) -> None:
        self.checkpoints.append(payload)

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        pass


def data(n: int = 80, batch_size: int = 16, dtype: torch.dtype = torch.float64, **options: Any) -> TensorData:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n + 20, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    arrays = Arrays(x[:n], y[:n], x[n:], y[n:], "classification", 3, 3, ("a", "b", "c"))
    given = {"train_size": None, "val_size": 16, "split_seed": 0, "drop_last": True, "augment": False} | options
    return TensorData(arrays, Common(batch_size=batch_size, **given), device="cpu", dtype=dtype)


def net(seed: int, dtype: torch.dtype = torch.float64, norm: str = "batch") -> Model:
    options = {k: v for k, v in OmegaConf.load(conf_dir() / "norm" / f"{norm}.yaml").items() if k != "name"}
    make = partial(find("norm", norm).load(), **options)
    shape = {"depth": 2, "width": 8, "activation": "relu", "dropout": 0.0, "bias": True}
    model = assemble(MLP, (6,), 3, Placement(make, {"before_act"}), shape)
    initialize(model, "torch", 0.01, seed)
    return model.to(dtype)


def train(lrs: list[float], **options: Any) -> tuple[list[Memory], list[Outcome]]:
    """Train one replica per rate, with consecutive seeds; single, or fused."""
    recorders, loop = prepared(lrs, **options)
    return recorders, loop.run()


def prepared(
    lrs: list[float], *, fused: bool = False, updates: int = 30, log_every: int = 4, source: TensorData | None = None,
    accumulate: int = 1, schedule: Schedule | None = None, momentum: float = 0.9, first_seed: int = 0,
    norm: str = "batch", statistics: Statistics = DEFAULT,
    extra: Mapping[str, Diagnostic] | None = None, recorders: Sequence[Memory] | None = None,
) -> tuple[list[Memory], Loop]:  # fmt: skip
    """Return the loop that `train` runs."""
    source = data() if source is None else source
    seeds = range(first_seed, first_seed + len(lrs))
    nets = [net(seed, norm=norm) for seed in seeds]
    executor = Fused(nets) if fused else Serial(*nets)
    optimizer = SGD(lr=0.1, momentum=momentum, weight_decay=0.0, nesterov=False)
    diagnostics: dict[str, Diagnostic] = {
        "moments": ActivationMoments(when=["init", "epoch", "last", 7]),
        "histogram": ActivationHistogram(when=["init"], bins=5),
        "norms": WeightGradNorm(when=["epoch"]),
    }
    diagnostics |= extra or {}
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    recorders = [Memory() for _ in lrs] if recorders is None else list(recorders)
    replicas = [
        Replica(seed, lr, momentum, 0.0, schedule or Constant(), recorder)
        for seed, lr, recorder in zip(seeds, lrs, recorders, strict=True)
    ]
    per_epoch = source.common.updates_per_epoch(source.n_train, accumulate)
    length = Length(updates, per_epoch, source.common.batch_size, accumulate, 0.0, log_every, 1e9)
    when = {name: diagnostic.when for name, diagnostic in diagnostics.items()}
    step = make_step(executor, optimizer, diagnostics, None)
    return recorders, Loop(executor, step, source, diagnostics, when, replicas, length, state, statistics)
