"""What the step, the loop and the evaluator ask of an executor: how R runs are held and passed forward."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.models.base import Model
from bnlab.noise import Noise
from bnlab.norms.running import Sample
from bnlab.norms.site import Tape


@dataclass(frozen=True)
class Forward:
    """One forward pass: per replica the mean loss and, if asked for, the accuracy, what passed the sites, and the
    batch's statistics at each norm, which then leave the running ones as they are."""

    loss: Tensor
    accuracy: Tensor | None
    sites: Tape
    collected: list[Sample] = field(default_factory=list)


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
        observe: bool = False,
        collect: bool = False,
    ) -> Forward:
        """Pass a batch through.

        Args:
            shared: all replicas see one x (B, ...), else each its own (R, B, ...).
            score: give the accuracy too.
            observe: give what passes the sites.
            collect: give the norms' batch statistics, and leave the running ones as they are.
        """


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
