"""Sources of norms' statistics: recomputed over many examples, frozen, or from the batch in an evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bnlab.models.base import Model
from bnlab.noise import Noise
from bnlab.norms.running import RunningNorm, Sample
from bnlab.norms.site import NORM
from bnlab.training.evaluate import in_order
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState, kept_buffers

Mode = Literal["running", "batch", "recomputed"]


@dataclass(frozen=True)
class Statistics:
    """Options of conf/statistics.

    Attributes:
        recompute: when the running statistics are replaced by those of `examples` training examples.
        freeze: what stays fixed after `freeze_from` updates: running statistics (then used in training too), gain and
            shift ("affine"), or both.
        modes: statistics that the last evaluation normalizes with; "running" is always used.
    """

    recompute: Literal["never", "end", "epoch"] = "never"
    examples: int = 4096
    freeze: Literal["none", "statistics", "affine", "both"] = "none"
    freeze_from: int = 0
    modes: tuple[Mode, ...] = ("running",)


@torch.no_grad()
def recompute(executor: Executor, state: TrainState, x: Tensor, y: Tensor, batch_size: int, noise: Noise) -> None:
    """Replace the running statistics by those of (x, y) at fixed weights, in full batches of `batch_size`.

    The pass is in training mode, so earlier norms use batch statistics and dropout is active. Norms that are frozen or
    keep no running statistics are unchanged. Precise batch norm: Wu & Johnson 2021, arXiv:2105.07576.
    """
    samples: dict[tuple[RunningNorm, int | None], list[Sample]] = {}
    executor.train(True)
    with kept_buffers(state):  # some norms, such as spectral norm, update theirs in any pass
        for x_B, y_B in in_order(x, y, batch_size, whole=True):
            passed = executor.forward(state.tensors, state.buffers, x_B, y_B, shared=True, noise=noise, collect=True)
            for sample in passed.statistics:
                samples.setdefault((sample.norm, sample.slot), []).append(sample)
    paths = {module: path for path, module in executor.model.named_modules()}
    for (norm, slot), found in samples.items():
        for key, value in zip(norm.statistics, norm.pooled(found), strict=True):
            running = state.buffers[f"{paths[norm]}.{key}"]
            (running if slot is None else running.select(-2, slot)).copy_(value)  # several sets: (slots, C)


def freeze(model: Model, state: TrainState, what: Literal["none", "statistics", "affine", "both"]) -> None:
    """Freeze the norms' running statistics, their gain and shift, or both."""
    if what in ("statistics", "both"):
        for module in model.modules():
            if isinstance(module, RunningNorm):
                module.frozen = True
    if what in ("affine", "both"):
        state.fix([name for name in state.params if NORM in name])


@contextmanager
def batch_statistics(executor: Executor, state: TrainState) -> Iterator[None]:
    """Evaluate inside the block with norms in training mode, and restore their running statistics after it."""
    executor.train(False)
    for module in executor.model.modules():
        if isinstance(module, RunningNorm):
            module.train(True)
    with kept_buffers(state):
        yield
    executor.train(True)
