"""What the step asks of an optimizer: slots and an update, as arithmetic on (stacked) tensors.

lr, momentum and weight decay come with every update as scalars or (R,) tensors; what is fixed is the constructor's.
"""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.optim.hyper import Hyper

Slots = dict[str, list[Tensor]]


class Optimizer:
    """Base of the optimizers; options are keyword-only arguments without defaults (the yaml holds those)."""

    name: ClassVar[str]
    slot_names: tuple[str, ...]

    def slots(self, params: list[Tensor]) -> Slots:
        """Zeros for every slot and parameter."""
        return {name: [torch.zeros_like(p) for p in params] for name in self.slot_names}

    def update(self, params: list[Tensor], grads: list[Tensor], slots: Slots, hyper: Hyper, step: int) -> None:
        """Move the parameters in place; `step` counts the updates done before. The gradients may be overwritten."""
        raise NotImplementedError
