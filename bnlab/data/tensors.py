"""A data set on the device: moved and normalized once, then indexed.

Shapes: N examples of a part, R replicas (absent for one), B examples of a batch, C channels, H, W sides, F features.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bnlab.data.augment import augment
from bnlab.data.base import Array, Arrays, Undecoded
from bnlab.data.common import Common
from bnlab.data.split import split
from bnlab.errors import BadInput
from bnlab.memory import require
from bnlab.rng import generator

Part = Literal["train", "val", "test"]
CHUNK = 4096  # examples in float64 at a time


def channel_statistics(x: Array) -> tuple[Array, Array]:
    """Return the mean and biased standard deviation over all axes but 1, in float64; 1 for constant channels.

    Args:
        x: N×C×H×W (statistics per channel) or N×F (per feature).
    """
    axes = (0, *range(2, x.ndim))
    count = x.size // x.shape[1]
    chunks = range(0, len(x), CHUNK)
    mean = sum(x[n : n + CHUNK].sum(axes, dtype=np.float64) for n in chunks) / count
    centre = mean.reshape(-1, *[1] * (x.ndim - 2))
    variance = sum(np.square(x[n : n + CHUNK] - centre).sum(axes) for n in chunks) / count
    constant = x.min(axes) == x.max(axes)  # rounding of the mean would give a deviation of about 1e-17
    return mean, np.where(constant, 1.0, np.sqrt(variance))


class TensorData:
    """The three parts of a data set as tensors.

    Args:
        published: the data set as published.
        common: options of splitting and batching.
        device: device of the tensors.
        dtype: type of inputs and of regression targets.

    Attributes:
        parts: (x, y) of "train", "val" (possibly empty) and "test"; x is normalized by `mean` and `std`.
        mean: mean of the training examples per channel (images) or feature, float64.
        std: standard deviation likewise.
        shape: shape of one example, (C, H, W) or (F,).

    Raises:
        BadInput: the options of splitting, batching or augmentation do not suit the data, or memory is too small.
    """

    def __init__(
        self,
        published: Arrays[Array | Undecoded],
        common: Common,
        *,
        device: torch.device | str,
        dtype: torch.dtype,
    ) -> None:
        arrays = split(published, common)
        self.common = common
        self.task = arrays.task
        self.classes = arrays.classes
        self.outputs = arrays.outputs
        self.class_names = arrays.class_names
        self.shape: tuple[int, ...] = arrays.train_x.shape[1:]
        self.n_train = len(arrays.train_x)
        self.batches_per_epoch = common.batches_per_epoch(self.n_train)
        if common.augment and len(self.shape) == 1:
            raise BadInput(
                f"data.augment=true needs images, but an example is {self.shape[0]} features: set it to false"
            )
        self._check_memory(arrays, torch.device(device), dtype)
        mean, std = channel_statistics(arrays.train_x)
        self.mean, self.std = torch.from_numpy(mean), torch.from_numpy(std)
        self.parts: dict[Part, tuple[Tensor, Tensor]] = {}
        named: dict[Part, tuple[Array | None, Array | None]] = {
            "train": (arrays.train_x, arrays.train_y),
            "val": (arrays.val_x, arrays.val_y),
            "test": (arrays.test_x, arrays.test_y),
        }
        for part, (x, y) in named.items():
            labels = torch.as_tensor(y, device=device)
            self.parts[part] = (
                self._normalized(torch.as_tensor(x), device, dtype),
                labels if self.task == "classification" else labels.to(dtype),
            )

    @staticmethod
    def _check_memory(arrays: Arrays[Array], device: torch.device, dtype: torch.dtype) -> None:
        """Raise `BadInput` if the tensors do not fit in memory together with their source."""
        size = sum(x.size for x, _ in arrays.parts().values()) * dtype.itemsize
        remedy = "lower data.train_size, the pictures' size or n_train"
        if device.type == "cpu":
            size += sum(x.nbytes for x, _ in arrays.parts().values())
            require(size, f"the data set in {dtype}".replace("torch.", ""), remedy)
        elif device.type == "cuda":
            there = torch.cuda.get_device_properties(device).total_memory
            require(size, f"the data set in {dtype}".replace("torch.", ""), remedy, there)

    def _normalized(self, x: Tensor, device: torch.device | str, dtype: torch.dtype) -> Tensor:
        """Return (x - mean) / std per channel, computed in place in the only copy."""
        view = (-1, *[1] * (x.ndim - 2))
        moved = x.to(device).to(dtype, copy=True)
        return moved.sub_(self.mean.to(moved).view(view)).div_(self.std.to(moved).view(view))

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order of the training examples in an epoch: a permutation (n_train) keyed by (seed, epoch)."""
        draws = generator(seed, "order", epoch)
        return torch.randperm(self.n_train, generator=draws).to(self.parts["train"][0].device)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the training examples (x, y) of indices (B) or (R,B), whose shape leads that of the result."""
        x, y = (part.index_select(0, index.flatten()) for part in self.parts["train"])  # copies whole rows
        return x.view(*index.shape, *x.shape[1:]), y.view(*index.shape, *y.shape[1:])

    def augmented(self, x: Tensor, seeds: Sequence[int], step: int) -> Tensor:
        """Return a training batch augmented with draws keyed by (seed, step); x itself without `data.augment`.

        Args:
            x: (B,C,H,W) with one seed, or (R,B,C,H,W) with R.
        """
        if not self.common.augment:
            return x
        return augment(x, [generator(seed, "augment", step) for seed in seeds])
