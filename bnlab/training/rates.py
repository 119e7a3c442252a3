"""Learning rates by step, and the hyperparameters of an update."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bnlab.optim.hyper import Hyper
from bnlab.optim.schedules.base import Schedule, warm
from bnlab.training.executors.base import Executor
from bnlab.training.length import Length
from bnlab.training.recorder import Recorder

BLOCK = 64  # updates whose rates are copied to the device together


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

    Rates change between two updates of an epoch only by the step, and between epochs also by an evaluation.

    Args:
        like: a parameter with the dtype and device that the hyperparameters get.
    """

    def __init__(self, replicas: Sequence[Replica], length: Length, executor: Executor, like: torch.Tensor) -> None:
        self._replicas, self._length, self._executor = replicas, length, executor
        self._dtype, self._device = like.dtype, like.device
        self._momentum = self._stacked([r.momentum for r in replicas])
        self._decay = self._stacked([r.weight_decay for r in replicas])
        self._first = 0
        self._rates: list[list[float]] = []  # of the updates from the first on
        self._hypers: list[Hyper] = []

    def at(self, step: int) -> list[float]:
        """Return each replica's learning rate for the update at a step.

            lr · min(1, ((step + 1) / updates) / warmup) · factor(step / updates)

        The warm-up counts the update itself, so that the first learning rate is not 0.
        """
        self._prepare(step)
        return self._rates[step - self._first]

    def hyper(self, step: int) -> Hyper:
        """Return the hyperparameters of the update at a step, on the device."""
        self._prepare(step)
        return self._hypers[step - self._first]

    def _prepare(self, step: int) -> None:
        """Compute the rates of the next updates of this epoch."""
        if self._first <= step < self._first + len(self._rates):
            return
        length = self._length
        until = min(step + BLOCK, (step // length.per_epoch + 1) * length.per_epoch, max(step, length.updates) + 1)
        self._first, self._rates = step, [self._compute(one) for one in range(step, until)]
        if all(rates == self._rates[0] for rates in self._rates):
            hyper = Hyper(self._stacked(self._rates[0]), self._momentum, self._decay)
            self._hypers = [hyper] * len(self._rates)
            return
        block_KR = torch.tensor(self._rates, dtype=self._dtype, device=self._device)
        self._hypers = [Hyper(self._executor.restack(lr_R), self._momentum, self._decay) for lr_R in block_KR]

    def _compute(self, step: int) -> list[float]:
        updates = self._length.updates
        warming = warm((step + 1) / updates, self._length.warmup)
        return [r.lr * warming * r.schedule.factor(step / updates) for r in self._replicas]

    def _stacked(self, values: list[float]) -> torch.Tensor:
        return self._executor.restack(torch.tensor(values, dtype=self._dtype, device=self._device))
