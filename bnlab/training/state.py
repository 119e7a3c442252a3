"""The state that an update reads and writes; R stacked replicas give every tensor a leading axis R."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import compress

import torch
from torch import Tensor


@dataclass
class TrainState:
    """State of training, whose tensors a step updates in place.

    Attributes:
        step: number of updates done.
        params: trained parameters, the leaves for gradients.
        buffers: running statistics and similar, written by the forward pass.
        fixed: parameters that are not trained.
        slots: state of the optimizer by slot name, one tensor per parameter in the order of `params`.
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
        """Stop training these parameters."""
        keep = [name not in names for name in self.params]
        self.slots = {slot: list(compress(values, keep)) for slot, values in self.slots.items()}
        for name in names:
            self.fixed[name] = self.params.pop(name)


@dataclass(frozen=True)
class Output:
    """Result of one pass over a group of batches, as tensors with a leading axis R (1 for a single run).

    Attributes:
        loss_R: mean loss per example.
        accuracy_R: share of examples classified correctly; None unless due, and for regression.
        grad_norm_R: global L2 norm of the gradient before clipping and weight decay; None unless due.
        observed: diagnostic name -> site id -> its values there, with a leading axis R.
    """

    loss_R: Tensor
    accuracy_R: Tensor | None = None
    grad_norm_R: Tensor | None = None
    observed: dict[str, dict[str, Tensor]] = field(default_factory=dict)


def global_norm(tensors: list[Tensor], stacked: bool) -> Tensor:
    """Return the L2 norm over all tensors for each replica: shape (R,), or () if not stacked.

    In float64: the squares of vanishing or exploding gradients leave the range of float32 long before the gradients do.
    """
    if not stacked:
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors, dtype=torch.float64)))
    norms_R = [torch.linalg.vector_norm(t.double().reshape(len(t), -1), dim=1) for t in tensors]
    return torch.linalg.vector_norm(torch.stack(norms_R), dim=0)


@contextmanager
def kept(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Restore the values of these tensors after the block, in place."""
    before = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)


def kept_buffers(state: TrainState) -> AbstractContextManager[None]:
    """Restore the buffers after the block."""
    return kept(state.buffers.values())
