"""The batches of each update, from one permutation per seed and epoch."""

from collections.abc import Sequence

import torch

from bnlab.data.tensors import TensorData
from bnlab.training.executors.base import Executor
from bnlab.training.length import Length
from bnlab.training.passes import Batch


class Batches:
    """Training batches by update.

    Args:
        seeds: the seeds of the runs that the executor trains together.
    """

    def __init__(self, data: TensorData, length: Length, seeds: Sequence[int], executor: Executor) -> None:
        self._data, self._length, self._seeds, self._executor = data, length, seeds, executor
        self._order: tuple[int, torch.Tensor] | None = None  # an epoch and its order

    def at(self, step: int) -> list[Batch]:
        """Return the augmented batches that the update at a step averages over."""
        size, group = self._length.batch_size, self._length.accumulate
        epoch, index = divmod(step, self._length.per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._executor.stack([self._data.order(seed, epoch) for seed in self._seeds]))
        batches = []
        for i in range(index * group, (index + 1) * group):
            x, y = self._data.batch(self._order[1][..., i * size : (i + 1) * size])
            batches.append((self._data.augmented(x, self._seeds, epoch * self._data.batches_per_epoch + i), y))
        return batches
