"""Time of a training forward and backward pass relative to batch norm's, measured in turn.

Of the processor and not of the clock, so that what else runs on the machine counts little.
"""

from collections.abc import Callable
from time import process_time
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import bootstrap
from specimen import Specimen, companion, normal
from torch import nn

from bnlab.noise import Noise, source

VECTORS, IMAGES = (128, 256), (64, 32, 16, 16)
# The weight in front of such activations, of a linear layer or a 3×3 convolution that keeps the width.
WEIGHTS = {VECTORS: (256, 256), IMAGES: (32, 32, 3, 3)}
MILLISECONDS = 2.0  # at least, for one measurement


class Ratio(NamedTuple):
    """Median of the paired ratios and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def work(specimen: Specimen, size: tuple[int, ...], layout: torch.memory_format) -> Callable[[], object]:
    """One training pass there and back, gradients of the input and of each parameter."""
    parts = [one_pass(specimen, WEIGHTS[size] if specimen.of_weights else size, layout)]
    if (weights := companion(specimen)) is not None:
        parts.append(one_pass(weights, WEIGHTS[size], layout))
    return lambda: [part() for part in parts]


def one_pass(specimen: Specimen, size: tuple[int, ...], layout: torch.memory_format) -> Callable[[], object]:
    norm: nn.Module = specimen.build(size, torch.float32).train()
    x, dy = (normal(size, seed=seed).float().contiguous(memory_format=layout) for seed in range(2))
    leaves = [x.requires_grad_(), *norm.parameters()]
    noise = Noise([0], 0, x.device)

    def there_and_back() -> object:
        with source(noise):
            return torch.autograd.grad(norm(x), leaves, dy, allow_unused=True)

    return there_and_back


def seconds(task: Callable[[], object], times: int) -> float:
    """Processor time of some runs of a task."""
    start = process_time()
    for _ in range(times):
        task()
    return process_time() - start


def relative(
    specimen: Specimen, batch: Specimen, size: tuple[int, ...], layout: torch.memory_format, rounds: int
) -> Ratio:
    """Rounds of one after the other, each first in every other round; the first two rounds only warm up.

    Raises:
        Refused: the norm cannot stand on that size.
    """
    tasks = [work(specimen, size, layout), work(batch, size, layout)]
    for task in tasks:
        seconds(task, 3)
    times = max(1, round(MILLISECONDS / 1000 / seconds(tasks[1], 1)))
    pairs = []
    for n in range(rounds + 2):
        order = (0, 1) if n % 2 else (1, 0)
        took = {which: seconds(tasks[which], times) for which in order}
        pairs.append((took[0], took[1]))
    ratios = np.array([mine / theirs for mine, theirs in pairs[2:]])
    interval = bootstrap((ratios,), np.median, rng=0, method="percentile").confidence_interval
    return Ratio(float(np.median(ratios)), float(interval.low), float(interval.high))
