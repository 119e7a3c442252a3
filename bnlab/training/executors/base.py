"""What the step, the loop and the evaluator ask of an executor: how R runs are held and passed forward."""

from collections.abc import Sequence
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


@dataclass(frozen=True)
class Forward:
    """One forward pass.

    Attributes:
        loss: mean per example, of each replica.
        accuracy: of each replica, if asked for.
        tape: what passed the sites, if asked for.
        statistics: the batch's at each norm that keeps running ones, if asked for.
    """

    loss: Tensor
    accuracy: Tensor | None
    tape: Tape
    statistics: list[Sample] = field(default_factory=list)


@dataclass(frozen=True)
class Watch:
    """What a forward pass leaves on its tape.

    Attributes:
        before: what comes to norms and sums too.
        leading: what passed can be differentiated for.
        statistics: the norms' batch statistics too.
    """

    before: bool = False
    leading: bool = False
    statistics: bool = False


class Executor(Protocol):
    """Holds the tensors of R replicas. Everything else in training is the same for all executors."""

    stacked: bool
    model: Model

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Parameters and buffers of a state at initialization."""

    def stack(self, values: Sequence[Tensor]) -> Tensor:
        """One tensor for all replicas from one each."""

    def unstack(self, value: Tensor) -> Tensor:
        """The same values with a leading axis R (a view)."""

    def restack(self, value_R: Tensor) -> Tensor:
        """What `unstack` was given."""

    def train(self, mode: bool) -> None:
        """Training or evaluation mode."""

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
        """Pass a batch through.

        Args:
            shared: all replicas see one x (B, ...), else each its own (R, B, ...).
            score: give the accuracy too.
            watch: what to observe.
            collect: give the norms' batch statistics, and leave the running ones as they are.
            elsewhere: these tensors are others than the state's.
        """


def observed(watch: Watch | None) -> AbstractContextManager[Tape]:
    """A tape as the watch wants it."""
    if watch is None:
        return tape(False)
    return tape(before=watch.before, leading=watch.leading)


def bfloat16(x: Tensor, on: bool) -> torch.autocast:
    """Autocast to bfloat16 on x's device, or nothing; weights, losses and updates stay in float32."""
    return torch.autocast(x.device.type, torch.bfloat16, enabled=on)


def mean_loss(prediction_BK: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy in nats per example for class labels; for regression the squared error summed over the outputs."""
    if y.is_floating_point():
        return (prediction_BK - y).square().sum(1).mean()
    return F.cross_entropy(prediction_BK.to(torch.promote_types(prediction_BK.dtype, torch.float32)), y)


def mean_accuracy(prediction_BK: Tensor, y: Tensor) -> Tensor | None:
    """Share of examples whose largest output is their class; null for regression."""
    if y.is_floating_point():
        return None
    return (prediction_BK.argmax(1) == y).to(torch.promote_types(prediction_BK.dtype, torch.float32)).mean()
