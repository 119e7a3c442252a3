"""The interface of executors, which hold R runs and compute their forward passes, and the loss and accuracy."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.models.base import Model
from bnlab.noise import Noise
from bnlab.norms.running import Sample
from bnlab.norms.site import Tape, tape


def _itself(value: Tensor) -> Tensor:
    return value


@dataclass(frozen=True)
class Forward:
    """Result of one forward pass.

    Attributes:
        loss: mean per example, for each replica.
        accuracy: for each replica, if requested.
        tape: outputs of the sites, if requested.
        statistics: batch statistics of each norm that keeps running ones, if requested.
        whole: returns the values of all examples from those that this process computed; called by all ranks.
    """

    loss: Tensor
    accuracy: Tensor | None
    tape: Tape
    statistics: list[Sample] = field(default_factory=list)
    whole: Callable[[Tensor], Tensor] = _itself


@dataclass(frozen=True)
class Watch:
    """Selection of the quantities that a forward pass records.

    Attributes:
        before: also the inputs of norms and the terms of sums.
        leading: tensors with respect to which the loss can be differentiated.
        statistics: also the norms' batch statistics.
    """

    before: bool = False
    leading: bool = False
    statistics: bool = False


class Executor(Protocol):
    """Holder of the tensors of R replicas; everything else in training is the same for all executors."""

    stacked: bool
    model: Model

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the parameters and buffers at initialization."""

    def stack(self, values: Sequence[Tensor]) -> Tensor:
        """Return one tensor for all replicas from one tensor per replica."""

    def unstack(self, value: Tensor) -> Tensor:
        """Return the same values with a leading axis R (a view)."""

    def restack(self, value_R: Tensor) -> Tensor:
        """Undo `unstack`."""

    def train(self, mode: bool) -> None:
        """Set training or evaluation mode."""

    def alone(self) -> AbstractContextManager[None]:
        """Compute whole batches in this process inside the block, if several processes share them."""

    def forward(
        self,
        params: dict[str, Tensor],
        buffers: dict[str, Tensor],
        x: Tensor,
        y: Tensor,
        *,
        shared: bool = False,
        noise: Noise | None = None,
        score: bool = False,
        watch: Watch | None = None,
        collect: bool = False,
        elsewhere: bool = False,
    ) -> Forward:
        """Compute the forward pass of a batch.

        Args:
            shared: all replicas get one x (B, ...), else each its own (R, B, ...).
            score: also compute the accuracy.
            watch: the quantities to record.
            collect: return the norms' batch statistics, and leave the running ones unchanged.
            elsewhere: the tensors are not the state's.
        """


def observed(watch: Watch | None) -> AbstractContextManager[Tape]:
    """Return a tape that records the quantities of the watch."""
    if watch is None:
        return tape(False)
    return tape(before=watch.before, leading=watch.leading)


def bfloat16(x: Tensor, on: bool) -> torch.autocast:
    """Return autocast to bfloat16 on x's device, enabled if `on`; weights, losses and updates stay in float32."""
    return torch.autocast(x.device.type, torch.bfloat16, enabled=on)


def mean_loss(prediction_BK: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy in nats per example, or for regression the squared error summed over the outputs."""
    if y.is_floating_point():
        return (prediction_BK - y).square().sum(1).mean()
    return F.cross_entropy(prediction_BK.to(torch.promote_types(prediction_BK.dtype, torch.float32)), y)


def mean_accuracy(prediction_BK: Tensor, y: Tensor) -> Tensor | None:
    """Return the share of examples whose largest output is their class; None for regression."""
    if y.is_floating_point():
        return None
    return (prediction_BK.argmax(1) == y).to(torch.promote_types(prediction_BK.dtype, torch.float32)).mean()
