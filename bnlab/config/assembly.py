"""Build the training loop of a single run, or of a pack's runs together, from valid configs."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from bnlab.config import build
from bnlab.config.validate import Config
from bnlab.data.tensors import TensorData
from bnlab.models.base import Model, initialize
from bnlab.ranks import Ranks
from bnlab.training import checkpoint, transfer
from bnlab.training.capture import Captured, CudaGraphs, Graphs
from bnlab.training.executors.base import Executor
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.parallel import Parallel
from bnlab.training.executors.serial import Serial
from bnlab.training.length import Length
from bnlab.training.loop import Loop
from bnlab.training.rates import Replica
from bnlab.training.recorder import Recorder
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics, freeze
from bnlab.training.step import make_step


def length(config: Config, data: TensorData) -> Length:
    """Return the length of training, in updates.

    Raises:
        Refused: an epoch is shorter than one update.
    """
    run = config.run
    per_epoch = data.common.updates_per_epoch(data.n_train, run["accumulate"])
    return Length(
        updates=run["steps"] or run["epochs"] * per_epoch,
        per_epoch=per_epoch,
        batch_size=data.common.batch_size,
        accumulate=run["accumulate"],
        warmup=config.schedule["warmup"],
        log_every=run["log_every"],
        checkpoint_seconds=run["checkpoint_seconds"],
    )


def assemble(
    configs: Sequence[Config], data: TensorData, net: Model, recorders: Sequence[Recorder],
    resumed: Sequence[dict[str, Any]] | None = None, note: Callable[[str], None] = lambda _: None,
    ranks: Ranks | None = None,
) -> Loop:  # fmt: skip
    """Return the loop of one run or of several runs trained together, which differ only in seed and `schema.FREE`.

    Args:
        net: the net of `build.model`, without storage; initialized here.
        resumed: the checkpoints to resume from, one per run.
        note: called with a line that the user should see.
        ranks: the processes that train this run together; None: only this one.
    """
    common = configs[0]
    nets = [_net(config, net, note, fresh=resumed is None) for config in configs]
    executor = _executor(nets, common, data.common.batch_size, ranks)
    diagnostics = build.diagnostics(common)
    optimizer = build.optimizer(configs)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    state.fix(transfer.matching(state, common.run["freeze"]))
    statistics = Statistics(**common.statistics | {"modes": tuple(common.statistics["modes"])})
    if resumed is not None:
        if resumed[0]["step"] > statistics.freeze_from:
            freeze(executor.model, state, statistics.freeze)
        checkpoint.restore(state, executor, resumed)
    replicas = [_replica(config, recorder) for config, recorder in zip(configs, recorders, strict=True)]
    when = {name: options["when"] for name, options in common.diagnostics.items()}
    x, y = (part[: data.common.batch_size] for part in data.parts["train"])
    step = make_step(executor, optimizer, diagnostics, common.run["clip"], fixed=(x, y))
    if ranks is None and optimizer.capturable and (graphs := graphs_for(common)) is not None:
        step = Captured(step, graphs, statistics.freeze_from, note)
    return Loop(executor, step, data, diagnostics, when, replicas, length(common, data), state, statistics, resumed)


def graphs_for(config: Config) -> Graphs | None:
    """Return what records the updates of a run; None if they are computed one by one."""
    return CudaGraphs() if config.run["graphs"] and build.device(config).type == "cuda" else None


def _net(config: Config, net: Model, note: Callable[[str], None], *, fresh: bool) -> Model:
    """Return a copy with the run's initial values, or those of the run that `init_from` names."""
    net = deepcopy(net)
    initialize(net, config.model["init"], config.model["init_std"], config.run["seed"])
    net.to(build.device(config), build.DTYPES[config.run["precision"]])
    if (source := config.run["init_from"]) is not None and fresh:
        own = TrainState(0, dict(net.named_parameters()), dict(net.named_buffers()))
        if lacking := transfer.begin_with(own, Path(source), config.origin.partition(":")[2]):
            named = f"{', '.join(lacking[:3])}{' …' if len(lacking) > 3 else ''}"
            note(f"init_from={source} lacks {named}: {len(lacking)} tensors keep their new initial values")
    return net


def _executor(nets: list[Model], config: Config, batch_size: int, ranks: Ranks | None) -> Executor:
    low = config.run["precision"] == "bfloat16"
    if len(nets) > 1:
        return Fused(nets, low_precision=low)
    nets[0].to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions on CPU: 1.7 times as fast
    if ranks is not None:
        return Parallel(nets[0], ranks, batch_size, low_precision=low)
    return Serial(nets[0], low_precision=low)


def _replica(config: Config, recorder: Recorder) -> Replica:
    return Replica(
        seed=config.run["seed"],
        lr=config.optim["lr"],
        momentum=config.optim.get("momentum", 0.0),
        weight_decay=config.optim["weight_decay"],
        schedule=build.schedule(config),
        recorder=recorder,
    )
