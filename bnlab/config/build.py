"""From a valid config to the parts of a run: data, model, optimizer, schedule, diagnostics."""

from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

import torch

from bnlab.config.schema import COMMON, FREE
from bnlab.config.validate import Config
from bnlab.data.base import Dataset
from bnlab.data.common import Common
from bnlab.data.tensors import TensorData
from bnlab.diagnostics.base import Diagnostic
from bnlab.errors import BadInput, Retriable, one_line
from bnlab.models.base import Model, assemble, dry_run
from bnlab.norms.base import Norm
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import Reparametrization
from bnlab.optim.optimizers.base import Optimizer
from bnlab.optim.schedules.base import Schedule
from bnlab.registry import find
from bnlab.training.evaluate import LARGEST_EVALUATION

_WITHOUT_FORWARD = (Norm.forward, Reparametrization.forward, Model.forward)  # what a class inherits that defines none
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}  # autocast keeps weights


def _own(group: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options that the constructor itself takes."""
    return {key: value for key, value in options.items() if key != "name" and key not in COMMON.get(group, {})}


def device(config: Config) -> torch.device:
    """The device asked for; auto is CUDA where there is one."""
    name = config.run["device"]
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("device=cuda: torch finds no CUDA device here; use device=auto or device=cpu")
    return torch.device(name)


def tensors(config: Config, source: Dataset, progress: Callable[[str], None] = lambda _: None) -> TensorData:
    """Return the data set split, normalized and on the device.

    Args:
        progress: takes lines about what takes long, such as decoding.
    """
    common = Common(**{key: config.data[key] for key in COMMON["data"]})
    return TensorData(source.arrays(progress), common, device=device(config), dtype=DTYPES[config.run["precision"]])


def model(config: Config, data: TensorData) -> tuple[Model, dict[str, tuple[int, ...]]]:
    """The net without storage, after a dry run with every batch size that will occur, and the shape at each site.

    Raises:
        Refused: the norm cannot stand there, or not with such batches.
        Retriable: a user's own norm or model has a fault.
    """
    chosen = [find("norm", config.norm["name"]), find("model", config.model["name"])]
    try:
        kinds = [entry.load() for entry in chosen]
        for entry, kind in zip(chosen, kinds, strict=True):
            if kind.forward in _WITHOUT_FORWARD:
                raise Retriable(f"plugins: {entry.plugin}: {entry.attribute} has no forward(x)")
        return _dry_run(config, data, *kinds)
    except Exception as error:
        plugins = {f"{entry.attribute} of {entry.plugin}": entry.plugin for entry in chosen if entry.plugin is not None}
        # What the machine lacks (memory, a file, a package) may be there next time: such runs fail, unrefused.
        if isinstance(error, BadInput | MemoryError | OSError | ImportError) or not plugins:
            raise
        frames = [one for one in extract_tb(error.__traceback__) if Path(one.filename) in plugins.values()]
        place = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else " or ".join(plugins)
        raise Retriable(f"{place}: {one_line(error)}") from error


def _dry_run(
    config: Config, data: TensorData, norm: type[Norm], kind: type[Model]
) -> tuple[Model, dict[str, tuple[int, ...]]]:
    norms = Placement.of(norm, _own("norm", config.norm), config.sites)
    net = assemble(kind, data.shape, data.outputs, norms, _own("model", config.model))
    size = data.common.batch_size
    training = _batch_sizes(data.n_train, size, whole=data.common.drop_last)
    if "batch" in config.statistics["modes"]:
        training |= {min(size, len(data.parts[part][0])) for part in ("val", "test") if len(data.parts[part][0])}
    if config.statistics["recompute"] != "never" or "recomputed" in config.statistics["modes"]:
        training.add(min(size, config.statistics["examples"], data.n_train))
    evaluated = [min(len(x), LARGEST_EVALUATION[part]) for part, (x, _) in data.parts.items()]
    evaluation = {n for length in evaluated for n in _batch_sizes(length, size, whole=False)}
    return net, dry_run(net, training, evaluation)


def _batch_sizes(n: int, size: int, whole: bool) -> set[int]:
    sizes = {size} if n >= size else set()
    return sizes if whole or n % size == 0 else sizes | {n % size}


def optimizer(configs: Sequence[Config]) -> Optimizer:
    """The optimizer of runs trained together; their lr, momentum and weight decay come with each update.

    It is made for the largest of each: one made for momentum 0 keeps no velocity, and one for weight decay 0 skips it.
    """
    options = _own("optim", configs[0].optim)
    largest = {key: max(config.optim[key] for config in configs) for key in FREE if key in options}
    return find("optim", configs[0].optim["name"]).load()(**options | largest)


def schedule(config: Config) -> Schedule:
    """A fresh schedule of the learning rate."""
    return find("schedule", config.schedule["name"]).load()(**_own("schedule", config.schedule))


def diagnostics(config: Config) -> dict[str, Diagnostic]:
    """The diagnostics asked for, by name."""
    return {name: find("diagnostics", name).load()(**options) for name, options in config.diagnostics.items()}
