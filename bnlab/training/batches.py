"""The batches of each update: those of an epoch in an order of its own, one permutation for each seed."""

from collections.abc import Sequence

import torch

from bnlab.data.tensors import TensorData
from bnlab.training.executors.base import Executor
from bnlab.training.length import Length
from bnlab.training.passes import Batch


class Batches:
    """The training batches of runs, by update.

    Args:
        seeds: of the runs that an executor trains together.
    """

    def __init__(self, data: TensorData, length: Length, seeds: Sequence[int], executor: Executor) -> None:
        self._data, self._length, self._seeds, self._executor = data, length, seeds, executor
        self._order: tuple[int, torch.Tensor] | None = None  # of an epoch

    def at(self, step: int) -> list[Batch]:
        """Return the batches that the update at a step averages over, augmented."""
        size, group = self._length.batch_size, self._length.accumulate
        epoch, index = divmod(step, self._length.per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._executor.stack([self._data.order(seed, epoch) for seed in self._seeds]))
        batches = []
        for i in range(index * group, (index + 1) * group):
            x, y = self._data.batch(self._order[1][..., i * size : (i + 1) * size])
            batches.append((self._data.augmented(x, self._seeds, epoch * self._data.batches_per_epoch + i), y))
        return batches
