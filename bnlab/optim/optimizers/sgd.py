"""Stochastic gradient descent."""

import torch
from torch import Tensor

from bnlab.optim.hyper import Hyper, spread
from bnlab.optim.optimizers.base import Optimizer, Slots
from bnlab.options import NonNegative, Positive, Rate


class SGD(Optimizer):
    """SGD with momentum as PyTorch defines it (Sutskever et al. 2013, without dampening).

    g ← g + λθ;  v ← μv + g;  θ ← θ − η·(g + μv if nesterov else v), with η lr, μ momentum, λ weight decay.
    """

    name = "sgd"
    capturable = True

    def __init__(self, *, lr: Positive, momentum: Rate, weight_decay: NonNegative, nesterov: bool) -> None:  # noqa: ARG002
        self._decays = weight_decay > 0
        self._nesterov = nesterov
        self.slot_names = ("velocity",) if momentum > 0 else ()

    def update(
        self, params: list[Tensor], grads: list[Tensor], slots: Slots, hyper: Hyper, step: int | Tensor  # noqa: ARG002
    ) -> None:  # fmt: skip
        if self._decays:
            torch._foreach_addcmul_(grads, params, spread(hyper.weight_decay, params))
        direction = grads
        if self.slot_names:
            velocity = slots["velocity"]
            momentum = spread(hyper.momentum, params)
            torch._foreach_mul_(velocity, momentum)
            torch._foreach_add_(velocity, grads)
            direction = velocity
            if self._nesterov:
                torch._foreach_addcmul_(grads, velocity, momentum)
                direction = grads
        torch._foreach_addcmul_(params, direction, spread(hyper.lr, params), -1)
