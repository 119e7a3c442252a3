"""Adam and AdamW."""

import torch
from torch import Tensor

from bnlab.optim.hyper import Hyper, spread
from bnlab.optim.optimizers.base import Optimizer, Slots
from bnlab.options import NonNegative, Positive, Rate


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), with weight decay λ added to the gradient.

    m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  θ ← θ − η·m̂/(√v̂ + ε), with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

    A gradient is divided by its own size, so one that is zero except for rounding (|g| ≪ ε) moves θ by η/ε times the
    rounding error, 1e5 times at the defaults: there executions that round differently diverge, see tests/proofs.
    """

    name = "adam"
    capturable = True
    slot_names = ("mean", "square")

    def __init__(
        self, *, lr: Positive, beta1: Rate, beta2: Rate, eps: Positive, weight_decay: NonNegative  # noqa: ARG002
    ) -> None:  # fmt: skip
        self._beta1, self._beta2, self._eps = beta1, beta2, eps
        self._decays = weight_decay > 0

    def decay(self, params: list[Tensor], grads: list[Tensor], hyper: Hyper) -> None:
        """Apply g ← g + λθ in place."""
        torch._foreach_addcmul_(grads, params, spread(hyper.weight_decay, params))

    def update(
        self, params: list[Tensor], grads: list[Tensor], slots: Slots, hyper: Hyper, step: int | Tensor
    ) -> None:  # fmt: skip
        if self._decays:
            self.decay(params, grads, hyper)
        mean, square = slots["mean"], slots["square"]
        torch._foreach_lerp_(mean, grads, 1 - self._beta1)
        torch._foreach_mul_(square, self._beta2)
        torch._foreach_addcmul_(square, grads, grads, 1 - self._beta2)
        scale = torch._foreach_sqrt(square)
        torch._foreach_div_(scale, _like((1 - self._beta2 ** (step + 1)) ** 0.5, hyper.lr))
        torch._foreach_add_(scale, self._eps)
        direction = torch._foreach_div(mean, scale)
        rate = hyper.lr / _like(1 - self._beta1 ** (step + 1), hyper.lr)
        torch._foreach_addcmul_(params, direction, spread(rate, params), -1)


def _like(value: float | Tensor, like: Tensor) -> float | Tensor:
    return value.to(like.dtype) if isinstance(value, Tensor) else value


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019): θ ← (1 − ηλ)θ before the step."""

    name = "adamw"

    def decay(self, params: list[Tensor], grads: list[Tensor], hyper: Hyper) -> None:  # noqa: ARG002
        torch._foreach_mul_(params, spread(1 - hyper.lr * hyper.weight_decay, params))
