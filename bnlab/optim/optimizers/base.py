"""The interface of optimizers: slots and an update, as arithmetic on (stacked) tensors.

lr, momentum and weight decay are passed to each update as scalars or (R,) tensors, fixed options to the constructor.
"""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.optim.hyper import Hyper

Slots = dict[str, list[Tensor]]


class Optimizer:
    """Base class of optimizers; options are keyword-only arguments without defaults (the yaml holds those).

    Attributes:
        capturable: true if `update` reads no number from its tensors, so that a GPU can replay it.
    """

    name: ClassVar[str]
    slot_names: tuple[str, ...]
    capturable: ClassVar[bool] = False

    def slots(self, params: list[Tensor]) -> Slots:
        """Return zeros for every slot and parameter."""
        return {name: [torch.zeros_like(p) for p in params] for name in self.slot_names}

    def update(
        self, params: list[Tensor], grads: list[Tensor], slots: Slots, hyper: Hyper, step: int | Tensor
    ) -> None:  # fmt: skip
        """Update the parameters in place. The gradients may be overwritten.

        Args:
            step: the number of previous updates; a scalar float64 tensor if `capturable`, when updates are recorded.
        """
        raise NotImplementedError
