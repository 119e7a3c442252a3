"""From a valid config to a loop that is ready to run."""

from pathlib import Path
from typing import Any

import torch

from bnlab.config import build
from bnlab.config.validate import Config
from bnlab.data.tensors import TensorData
from bnlab.models.base import Model, initialize
from bnlab.training import checkpoint, transfer
from bnlab.training.executors.serial import Serial
from bnlab.training.loop import Length, Loop, Replica
from bnlab.training.recorder import Recorder
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics, freeze
from bnlab.training.step import make_step


def length(config: Config, data: TensorData) -> Length:
    """How long to train, in updates.

    Raises:
        Refused: an epoch would hold no update.
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


def serial(
    config: Config, data: TensorData, net: Model, recorder: Recorder, resumed: dict[str, Any] | None = None
) -> Loop:
    """The loop of one run alone.

    Args:
        net: as `build.model` gives it, without storage; filled here.
        resumed: the checkpoint to go on from.
    """
    initialize(net, config.model["init"], config.model["init_std"], config.run["seed"])
    net.to(build.device(config), build.DTYPES[config.run["precision"]])
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions on CPU: 1.7 times as fast
    executor = Serial(net, low_precision=config.run["precision"] == "bfloat16")
    optimizer, diagnostics = build.optimizer(config), build.diagnostics(config)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    if config.run["init_from"] is not None and resumed is None:
        transfer.begin_with(state, Path(config.run["init_from"]))
    state.fix(transfer.matching(state, config.run["freeze"]))
    statistics = Statistics(**config.statistics | {"modes": tuple(config.statistics["modes"])})
    if resumed is not None:
        if resumed["step"] > statistics.freeze_from:
            freeze(net, state, statistics.freeze)
        checkpoint.restore(state, resumed)
    replica = Replica(
        seed=config.run["seed"],
        lr=config.optim["lr"],
        momentum=config.optim.get("momentum", 0.0),
        weight_decay=config.optim["weight_decay"],
        schedule=build.schedule(config),
        recorder=recorder,
    )
    when = {name: options["when"] for name, options in config.diagnostics.items()}
    step = make_step(executor, optimizer, diagnostics, config.run["clip"])
    return Loop(
        executor, step, data, diagnostics, when, [replica], length(config, data), state,
        statistics, None if resumed is None else [resumed],
    )  # fmt: skip
