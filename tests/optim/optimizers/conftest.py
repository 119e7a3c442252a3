"""An optimizer of ours beside torch's, on the same parameters and gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.base import Optimizer

STEPS = 50
SHAPES = ((4, 3), (4,), (2, 3, 3, 3), (1,), (1, 1))


@dataclass(frozen=True)
class Walk:
    """Where the parameters stand at the start, the gradient at each step, and the rate at each step."""

    start: list[Tensor]
    grads: list[list[Tensor]]
    rates: list[float]

    def ours(self, optimizer: Optimizer, **hyper: float) -> list[Tensor]:
        """The parameters after all steps of one run alone."""
        return advance(
            optimizer, [p.clone() for p in self.start], self.grads, [self._hyper(lr, hyper) for lr in self.rates]
        )

    def theirs(self, make: Callable[[list[Tensor]], torch.optim.Optimizer]) -> list[Tensor]:
        """The parameters after all steps of torch's optimizer, whose rate is set before each."""
        params = [p.clone().requires_grad_() for p in self.start]
        optimizer = make(params)
        for grads, lr in zip(self.grads, self.rates, strict=True):
            for param, grad in zip(params, grads, strict=True):
                param.grad = grad.clone()
            optimizer.param_groups[0]["lr"] = lr
            optimizer.step()
        return [p.detach() for p in params]

    def _hyper(self, lr: float, hyper: dict[str, float]) -> Hyper:
        values = {"momentum": 0.0, "weight_decay": 0.0, **hyper, "lr": lr}
        return Hyper(**{name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()})


def advance(
    optimizer: Optimizer, params: list[Tensor], grads: Sequence[Sequence[Tensor]], hypers: Sequence[Hyper]
) -> list[Tensor]:
    """Take every step; the optimizer may overwrite the gradients, so it gets copies."""
    slots = optimizer.slots(params)
    for step, (grad, hyper) in enumerate(zip(grads, hypers, strict=True)):
        optimizer.update(params, [g.clone() for g in grad], slots, hyper, step)
    return params


def random_walk(seed: int, scale: float = 1.0) -> Walk:
    """Gradients of a noisy bowl, in float64; the rate changes at every step."""
    draw = torch.Generator().manual_seed(seed)

    def normal() -> list[Tensor]:
        return [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in SHAPES]

    return Walk(normal(), [normal() for _ in range(STEPS)], [scale * 0.1 / (1 + k % 7) for k in range(STEPS)])


@pytest.fixture
def walk() -> Walk:
    return random_walk(0)


@pytest.fixture
def assert_stacked_equals_serial() -> Callable[..., None]:
    """Three runs stacked, each with its own parameters, gradients and hyperparameters, against three alone."""

    def check(make: Callable[[], Optimizer], per_replica: dict[str, Sequence[float]]) -> None:
        walks = [random_walk(seed, scale=10.0**-seed) for seed in range(3)]
        params = [torch.stack(p) for p in zip(*(w.start for w in walks), strict=True)]
        grads = [
            [torch.stack(g) for g in zip(*step, strict=True)] for step in zip(*(w.grads for w in walks), strict=True)
        ]
        fixed: dict[str, Any] = {"momentum": (0.0,) * 3, "weight_decay": (0.0,) * 3, **per_replica}
        hypers = [
            Hyper(
                torch.tensor(lr, dtype=torch.float64),
                **{k: torch.tensor(v, dtype=torch.float64) for k, v in fixed.items()},
            )
            for lr in zip(*(w.rates for w in walks), strict=True)
        ]
        stacked = advance(make(), params, grads, hypers)
        for r, one in enumerate(walks):
            alone = one.ours(make(), **{name: values[r] for name, values in per_replica.items()})
            torch.testing.assert_close([p[r] for p in stacked], alone, rtol=1e-13, atol=1e-14)

    return check
