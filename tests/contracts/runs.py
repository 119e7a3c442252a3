"""Runs of a cell through the real config path: three updates and the evaluations after them, single and fused."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bnlab.config import assembly, build
from bnlab.config.compose import Composed, Composer
from bnlab.config.folder import conf_dir
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.data.tensors import TensorData
from bnlab.models.base import Model
from bnlab.norms.kinds import KINDS
from bnlab.sweeps.layout.plugin import register
from tests.contracts.cells import BATCHES, Cell
from tests.training.parts import Memory

DEVICE = os.environ["BNLAB_TEST_DEVICE"]  # of the option --device
COMMON = (
    "data=gaussian data.shape=[3,6,6] data.n_train=25 data.val_size=8 data.n_test=9 diagnostics=off steps=3 "
    f"log_every=1 checkpoint_seconds=1e9 device={DEVICE} optim=sgd optim.weight_decay=0.001"
)
# The models of the contract, and the options that make each small.
MODELS: dict[str, dict[str, Any]] = {
    "cnn": {"depth": 2, "width": 8, "pool_every": 1},
    "mlp": {"depth": 2, "width": 8},
}
# The deeper models, at one batch size (tests/contracts/test_models.py), each with the options that make it small.
DEEPER: dict[str, dict[str, Any]] = {
    "deep_linear": {"depth": 3, "width": 8},
    "lstm": {"width": 8},
    "resnet": {"depth": 8, "width": 4},
    "resnet18": {"width": 4},
    "rnn": {"width": 8},
    "vgg": {"depth": 11, "width": 4},
}
SEEDS, LRS, MOMENTA = (0, 1, 2), (0.01, 0.005, 0.002), (0.3, 0.6, 0.9)


@cache
def composer() -> Composer:
    register()
    with ExitStack() as stack:
        stack.enter_context(initialize_config_dir(str(conf_dir()), version_base="1.3"))
        return Composer(GlobalHydra.instance().config_loader())


@cache
def composed(group: str, choice: str) -> Composed:
    """Return the whole config with one choice, composed once; the others are the defaults or those of `COMMON`."""
    return composer().compose([f"{group}={choice}", *COMMON.split()])


def rate(cell: Cell, replica: int) -> float:
    """Return a replica's learning rate, a hundredth for deep nets, which magnify rounding at large steps."""
    return LRS[replica] * (0.01 if cell.model in DEEPER else 1)


@lru_cache(maxsize=64)
def config(cell: Cell, replica: int = 0, device: str = DEVICE) -> Config:
    """Return the valid config of one of a cell's replicas."""
    base = composed("norm", cell.norm)
    own = {
        "seed": SEEDS[replica],
        "precision": cell.precision,
        "device": device,
        "model": composed("model", cell.model).values["model"] | (MODELS | DEEPER)[cell.model],
        "placement": {kind: kind in cell.sites for kind in KINDS},
        "data": base.values["data"] | BATCHES[cell.batches],
        "optim": base.values["optim"] | {"lr": rate(cell, replica), "momentum": MOMENTA[replica]},
    }
    return validate(replace(base, values=base.values | own))


@cache
def data(batches: str, precision: str, device: str = DEVICE) -> TensorData:
    chosen = config(Cell("none", (), "mlp", batches, precision), device=device)
    return build.tensors(chosen, source(chosen))


@lru_cache(maxsize=16)  # a loop trains copies of it
def net(cell: Cell) -> tuple[Model, dict[str, tuple[int, ...]]]:
    """Return its net without storage, and the shape of an example at each of its sites.

    Raises:
        Refused: the norm is not possible at a site, or not with such batches.
    """
    return build.model(config(cell), data(cell.batches, cell.precision))


def serial(cell: Cell, replica: int) -> Memory:
    """Return the results of one replica trained alone."""
    return trained(cell, [replica])[0]


def fused(cell: Cell) -> list[Memory]:
    """Return the results of the replicas trained together."""
    return trained(cell, range(len(SEEDS)))


def trained(cell: Cell, replicas: Sequence[int], device: str = DEVICE) -> list[Memory]:
    """Train these replicas together and return their results."""
    recorders = [Memory() for _ in replicas]
    configs = [config(cell, r, device) for r in replicas]
    outcomes = assembly.assemble(configs, data(cell.batches, cell.precision, device), net(cell)[0], recorders).run()
    assert [outcome.diverged_at for outcome in outcomes] == [None] * len(recorders)
    return recorders
