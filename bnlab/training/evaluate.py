"""Loss and accuracy over a whole split."""

from collections.abc import Sequence
from dataclasses import dataclass
from sys import maxsize

import torch
from torch import Tensor

from bnlab.data.tensors import Part
from bnlab.noise import Noise
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState

# Most examples that are evaluated of each split; for the training split, enough to estimate the generalization gap.
LARGEST_EVALUATION: dict[Part, int] = {"train": 10_000, "val": maxsize, "test": maxsize}

Batches = Sequence[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Score:
    """Mean loss and accuracy over n examples, one value per replica; accuracy is None for regression."""

    loss_R: list[float]
    accuracy_R: list[float] | None
    n: int


def in_order(x: Tensor, y: Tensor, batch_size: int, *, whole: bool = False) -> Batches:
    """Return batches of `batch_size` in the given order.

    Args:
        whole: drop an incomplete last batch (fewer examples than `batch_size` are one batch).
    """
    batch_size = min(batch_size, max(1, len(x)))
    if whole:
        n = len(x) // batch_size * batch_size
        x, y = x[:n], y[:n]
    return list(zip(torch.split(x, batch_size), torch.split(y, batch_size), strict=True))


@torch.no_grad()
def score(executor: Executor, state: TrainState, batches: Batches, noise: Noise | None = None) -> Score:
    """Return the loss and accuracy over the batches, in the executor's current mode."""
    losses, hits, n = [], [], 0
    for x_B, y_B in batches:
        passed = executor.forward(state.tensors, state.buffers, x_B, y_B, shared=True, noise=noise, score=True)
        losses.append(executor.unstack(passed.loss).double() * len(x_B))
        if passed.accuracy is not None:
            # Rounded to a count, so that 900 of 1,000 is exactly 0.9 and reaches a target of 0.9 for any batch size.
            hits.append((executor.unstack(passed.accuracy).double() * len(x_B)).round())
        n += len(x_B)
    loss_R = (torch.stack(losses).sum(0) / n).tolist()
    return Score(loss_R, (torch.stack(hits).sum(0) / n).tolist() if hits else None, n)
