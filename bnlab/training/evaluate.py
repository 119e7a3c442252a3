"""Loss and accuracy over a whole split, in evaluation mode."""

from dataclasses import dataclass
from sys import maxsize

import torch
from torch import Tensor

from bnlab.data.tensors import Part
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState

# Examples of each split that an evaluation takes at most; of the training split, enough to tell the gap.
LARGEST_EVALUATION: dict[Part, int] = {"train": 10_000, "val": maxsize, "test": maxsize}


@dataclass(frozen=True)
class Score:
    """Means over n examples, one value a replica; accuracy is null for regression."""

    loss_R: list[float]
    accuracy_R: list[float] | None
    n: int


@torch.no_grad()
def evaluate(executor: Executor, state: TrainState, x: Tensor, y: Tensor, batch_size: int) -> Score:
    """Pass (x, y) through in order in batches of `batch_size`, the last one ragged; buffers stay as they are."""
    executor.train(False)
    losses, accuracies = [], []
    for x_B, y_B in zip(torch.split(x, batch_size), torch.split(y, batch_size), strict=True):
        passed = executor.forward(state.params, state.buffers, x_B, y_B, shared=True, score=True)
        losses.append(executor.unstack(passed.loss).double() * len(x_B))
        if passed.accuracy is not None:
            accuracies.append(executor.unstack(passed.accuracy).double() * len(x_B))
    executor.train(True)
    n = len(x)
    loss_R = (torch.stack(losses).sum(0) / n).tolist()
    return Score(loss_R, (torch.stack(accuracies).sum(0) / n).tolist() if accuracies else None, n)
