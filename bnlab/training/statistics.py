"""How norms come by their statistics: recomputed over many examples, frozen, or the batch's own in an evaluation."""

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
    """The options of conf/statistics.

    Attributes:
        recompute: when the running statistics are replaced by those of `examples` training examples.
        freeze: what no longer changes once `freeze_from` updates are done: running statistics (then used in training
            too), gain and shift ("affine"), or both.
        modes: what the last evaluation normalizes with, "running" in any case.
    """

    recompute: Literal["never", "end", "epoch"] = "never"
    examples: int = 4096
    freeze: Literal["none", "statistics", "affine", "both"] = "none"
    freeze_from: int = 0
    modes: tuple[Mode, ...] = ("running",)


@torch.no_grad()
def recompute(executor: Executor, state: TrainState, x: Tensor, y: Tensor, batch_size: int, noise: Noise) -> None:
    """Replace the running statistics by those of (x, y) at fixed weights, in full batches of `batch_size`.

    The pass is one of training mode, so each norm sees what earlier ones normalized by their batch's statistics, and
    dropout is at work. A norm that is frozen, or keeps no running statistics, is left as it is. Precise batch norm:
    Wu & Johnson 2021, arXiv:2105.07576.
    """
    samples: dict[tuple[RunningNorm, int | None], list[Sample]] = {}
    executor.train(True)
    with kept_buffers(state):  # of norms that move theirs in any pass, as spectral norm does
        for x_B, y_B in in_order(x, y, batch_size, whole=True):
            passed = executor.forward(state.tensors, state.buffers, x_B, y_B, shared=True, noise=noise, collect=True)
            for sample in passed.statistics:
                samples.setdefault((sample.norm, sample.slot), []).append(sample)
    paths = {module: path for path, module in executor.model.named_modules()}
    for (norm, slot), found in samples.items():
        for key, value in zip(norm.statistics, norm.pooled(found), strict=True):
            running = state.buffers[f"{paths[norm]}.{key}"]
            (running if slot is None else running.select(-2, slot)).copy_(value)  # of several sets, (slots, C)


def freeze(model: Model, state: TrainState, what: Literal["none", "statistics", "affine", "both"]) -> None:
    """From here on the norms' running statistics, or their gain and shift, or both, stay as they are."""
    if what in ("statistics", "both"):
        for module in model.modules():
            if isinstance(module, RunningNorm):
                module.frozen = True
    if what in ("affine", "both"):
        state.fix([name for name in state.params if NORM in name])


@contextmanager
def batch_statistics(executor: Executor, state: TrainState) -> Iterator[None]:
    """Evaluation mode but for the norms, which work as in training; their running statistics are put back."""
    executor.train(False)
    for module in executor.model.modules():
        if isinstance(module, RunningNorm):
            module.train(True)
    with kept_buffers(state):
        yield
    executor.train(True)
