"""Build the parts of a run from a valid config: data, model, optimizer, schedule, diagnostics."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from bnlab.config.schema import COMMON, FREE
from bnlab.config.validate import Config
from bnlab.data.base import Dataset
from bnlab.data.common import Common
from bnlab.data.tensors import TensorData
from bnlab.diagnostics.base import Diagnostic
from bnlab.errors import BadInput, Retriable
from bnlab.faults import telling
from bnlab.models.base import Model, assemble, dry_run
from bnlab.norms.base import Norm
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import Reparametrization
from bnlab.optim.optimizers.base import Optimizer
from bnlab.optim.schedules.base import Schedule
from bnlab.registry import find
from bnlab.training.evaluate import LARGEST_EVALUATION

_WITHOUT_FORWARD = (Norm.forward, Reparametrization.forward, Model.forward)  # inherited by a class that defines none
DTYPES = {  # with bfloat16, autocast keeps the weights in float32
    "float32": torch.float32, "tf32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32,
}  # fmt: skip


def _own(group: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the constructor, without those that the whole group shares."""
    return {key: value for key, value in options.items() if key != "name" and key not in COMMON.get(group, {})}


def device(config: Config) -> torch.device:
    """Return the configured device; auto is CUDA if available.

    Raises:
        BadInput: CUDA is configured, or needed for tf32, but not available.
    """
    name = config.run["device"]
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("device=cuda: torch finds no CUDA device here; use device=auto or device=cpu")
    if name == "cpu" and config.run["precision"] == "tf32":
        raise BadInput("precision=tf32 is arithmetic of GPUs: use precision=float32 on a CPU")
    return torch.device(name)


def set_precision(config: Config) -> None:
    """Let a GPU round the factors of float32 products to TF32, also in convolutions, only with precision=tf32."""
    is_rounded = config.run["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = is_rounded


def tensors(config: Config, source: Dataset, progress: Callable[[str], None] = lambda _: None) -> TensorData:
    """Return the data set split, normalized and on the device.

    Args:
        progress: called with lines about slow work such as decoding.
    """
    common = Common(**{key: config.data[key] for key in COMMON["data"]})
    return TensorData(source.arrays(progress), common, device=device(config), dtype=DTYPES[config.run["precision"]])


def model(config: Config, data: TensorData) -> tuple[Model, dict[str, tuple[int, ...]]]:
    """Return the net without storage, after a dry run with every batch size that will occur, and the sites' shapes.

    Raises:
        Refused: the norm is not possible at a site, or not with such batches.
        Retriable: a user's own norm or model raises an error.
    """
    chosen = [find("norm", config.norm["name"]), find("model", config.model["name"])]
    with telling(chosen):
        kinds = [entry.load() for entry in chosen]
        for entry, kind in zip(chosen, kinds, strict=True):
            if kind.forward in _WITHOUT_FORWARD:
                raise Retriable(f"plugins: {entry.plugin}: {entry.attribute} has no forward(x)")
        return _dry_run(config, data, *kinds)


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
    if config.run["processes"] > 1 and not config.norm.get("sync", True):
        training = {part for n in training for part in _parts(n, size, config.run["processes"])}
    evaluated = [min(len(x), LARGEST_EVALUATION[part]) for part, (x, _) in data.parts.items()]
    evaluation = {n for length in evaluated for n in _batch_sizes(length, size, whole=False)}
    return net, dry_run(net, training, evaluation)


def _parts(n: int, size: int, processes: int) -> set[int]:
    """Return the sizes of the parts into which the ranks split a batch of n examples."""
    chunk = -(-size // processes)
    return _batch_sizes(n, chunk, whole=False)


def _batch_sizes(n: int, size: int, whole: bool) -> set[int]:
    sizes = {size} if n >= size else set()
    return sizes if whole or n % size == 0 else sizes | {n % size}


def optimizer(configs: Sequence[Config]) -> Optimizer:
    """Return the optimizer of runs trained together; each update gets their lr, momentum and weight decay.

    It is built with the largest of each: with momentum 0 it would keep no velocity, with weight decay 0 skip the decay.
    """
    options = _own("optim", configs[0].optim)
    largest = {key: max(config.optim[key] for config in configs) for key in FREE if key in options}
    return find("optim", configs[0].optim["name"]).load()(**options | largest)


def schedule(config: Config) -> Schedule:
    """Return a new schedule of the learning rate."""
    return find("schedule", config.schedule["name"]).load()(**_own("schedule", config.schedule))


def diagnostics(config: Config) -> dict[str, Diagnostic]:
    """Return the chosen diagnostics by name."""
    return {name: find("diagnostics", name).load()(**options) for name, options in config.diagnostics.items()}
