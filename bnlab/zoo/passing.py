"""Inputs of the measurements, and passing them through a norm."""

from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import Tensor, nn

from bnlab.noise import Noise, source

OFFSET, SPREAD = 2.0, 3.0  # standard deviation of the channels' means, and largest standard deviation of a channel


def normal(size: tuple[int, ...], seed: int) -> Tensor:
    """Return standard normal numbers in float64."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def batch(size: tuple[int, ...], seed: int) -> Tensor:
    """Return x (N, C, *spatial) whose channels differ in mean and standard deviation; both are equal for all seeds."""
    per_channel = (1, -1, *[1] * (len(size) - 2))
    mean = OFFSET * normal((size[1],), seed=1000).view(per_channel)
    spread = torch.linspace(0.5, SPREAD, size[1], dtype=torch.float64).view(per_channel)
    return mean + spread * normal(size, seed)


def passed(norm: nn.Module, x: Tensor, *, training: bool) -> Tensor:
    """Return norm(x) from the present state, which is unchanged; noise is the same at each call."""
    with torch.no_grad(), source(Noise([0], 0, x.device)), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for a user's norm that draws from the global generator
        return deepcopy(norm).train(training)(x)


def train(norm: nn.Module, batches: Iterable[Tensor]) -> None:
    """Pass batches in training mode, which changes the running statistics and no parameter."""
    norm.train()
    for step, x in enumerate(batches):
        with torch.no_grad(), source(Noise([0], step, x.device)):
            norm(x)
