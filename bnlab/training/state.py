"""What an update reads and writes. With R replicas stacked, every tensor has a leading axis R; alone it has none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress

import torch
from torch import Tensor


@dataclass
class TrainState:
    """Consumed by a step: its tensors are updated in place.

    Attributes:
        step: updates done.
        params: the leaves that gradients are taken for.
        buffers: running statistics and the like, written by the forward pass.
        fixed: parameters that are not trained.
        slots: what the optimizer keeps for each parameter, by slot name, in the order of `params`.
    """

    step: int
    params: dict[str, Tensor]
    buffers: dict[str, Tensor]
    slots: dict[str, list[Tensor]] = field(default_factory=dict)
    fixed: dict[str, Tensor] = field(default_factory=dict)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All parameters, trained or not."""
        return self.params | self.fixed if self.fixed else self.params

    def fix(self, names: Sequence[str]) -> None:
        """Train these parameters no longer."""
        keep = [name not in names for name in self.params]
        self.slots = {slot: list(compress(values, keep)) for slot, values in self.slots.items()}
        for name in names:
            self.fixed[name] = self.params.pop(name)


@dataclass(frozen=True)
class Output:
    """What one pass over a group of batches gave, as tensors with a leading axis R (1 for a run alone).

    Attributes:
        loss_R: mean loss per example.
        accuracy_R: share of examples classified right; null unless it was due, and for regression.
        grad_norm_R: global L2 norm of the gradient before clipping and weight decay; null unless due.
        observed: diagnostic name -> site id -> what it computed there, each with a leading axis R.
    """

    loss_R: Tensor
    accuracy_R: Tensor | None = None
    grad_norm_R: Tensor | None = None
    observed: dict[str, dict[str, Tensor]] = field(default_factory=dict)


def global_norm(tensors: list[Tensor], stacked: bool) -> Tensor:
    """L2 norm over all the tensors, for each replica: shape (R,), or () where nothing is stacked.

    In float64: the squares of a vanishing or exploding gradient leave the range of float32 long before it does.
    """
    if not stacked:
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors, dtype=torch.float64)))
    norms_R = [torch.linalg.vector_norm(t.double().reshape(len(t), -1), dim=1) for t in tensors]
    return torch.linalg.vector_norm(torch.stack(norms_R), dim=0)


@contextmanager
def kept_buffers(state: TrainState) -> Iterator[None]:
    """Put the buffers back as they were."""
    before = {name: buffer.clone() for name, buffer in state.buffers.items()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in state.buffers.items():
                buffer.copy_(before[name])
