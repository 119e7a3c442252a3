"""Learning rates by step, and the hyperparameters of an update."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bnlab.optim.hyper import Hyper
from bnlab.optim.schedules.base import Schedule, warm
from bnlab.training.executors.base import Executor
from bnlab.training.length import Length
from bnlab.training.recorder import Recorder


@dataclass(frozen=True)
class Replica:
    """Settings in which the replicas of a pack differ."""

    seed: int
    lr: float
    momentum: float
    weight_decay: float
    schedule: Schedule
    recorder: Recorder


class Rates:
    """Learning rates by step, and the stacked hyperparameters of an update.

    Args:
        like: a parameter with the dtype and device that the hyperparameters get.
    """

    def __init__(
        self, replicas: Sequence[Replica], length: Length, executor: Executor, like: torch.Tensor
    ) -> None:  # fmt: skip
        self._replicas, self._length, self._executor = replicas, length, executor
        self._dtype, self._device = like.dtype, like.device
        self._hyper: tuple[list[float], Hyper] | None = None

    def at(self, step: int) -> list[float]:
        """Return each replica's learning rate for the update at a step.

            lr · min(1, ((step + 1) / updates) / warmup) · factor(step / updates)

        The warm-up counts the update itself, so that the first learning rate is not 0.
        """
        updates = self._length.updates
        warming = warm((step + 1) / updates, self._length.warmup)
        return [r.lr * warming * r.schedule.factor(step / updates) for r in self._replicas]

    def hyper(self, lr_R: list[float]) -> Hyper:
        """Return the hyperparameters for these rates, on the device; the last are cached because rates often repeat."""
        if self._hyper is None or self._hyper[0] != lr_R:
            momentum = self._stacked([r.momentum for r in self._replicas])
            decay = self._stacked([r.weight_decay for r in self._replicas])
            self._hyper = (lr_R, Hyper(self._stacked(lr_R), momentum, decay))
        return self._hyper[1]

    def _stacked(self, values: list[float]) -> torch.Tensor:
        return self._executor.stack([torch.tensor(v, dtype=self._dtype, device=self._device) for v in values])
