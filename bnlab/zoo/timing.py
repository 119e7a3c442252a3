"""Time of a training pass relative to batch norm, both measured in turn.

Processor time, not wall time, so that other work on the machine has little effect.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import bootstrap
from torch import nn

from bnlab.errors import Refused
from bnlab.noise import Noise, source
from bnlab.zoo.passing import normal
from bnlab.zoo.specimen import Specimen

ROUNDS = 31
_VECTORS, _IMAGES = (128, 256), (64, 32, 16, 16)
# The weight in front of x, of a linear layer or a 3×3 convolution with as many outputs as inputs.
_WEIGHTS = {_VECTORS: (256, 256), _IMAGES: (32, 32, 3, 3)}
_SECONDS = 0.002  # least duration of one measurement of batch norm
_WARM_UP = 2  # rounds that are not counted

CASES = {
    "time_mlp": (_VECTORS, torch.contiguous_format),
    "time_images": (_IMAGES, torch.channels_last),  # as in a run
    "time_images_channels_first": (_IMAGES, torch.contiguous_format),
}


class Ratio(NamedTuple):
    """Median of the paired ratios, and its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def times(specimen: Specimen, reference: Specimen, rounds: int = ROUNDS) -> dict[str, Ratio | None]:
    """Return the time relative to a reference for each case; None where the norm is refused."""
    found: dict[str, Ratio | None] = {}
    for case, (size, layout) in CASES.items():
        try:
            found[case] = _relative(_work(specimen, size, layout), _work(reference, size, layout), rounds)
        except Refused:
            found[case] = None
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _relative(task: Callable[[], object], reference: Callable[[], object], rounds: int) -> Ratio:
    """Time both tasks in turn; each is first in every other round."""
    tasks = (task, reference)
    for one in tasks:
        _seconds(one, 3)
    repeats = max(1, round(_SECONDS / max(_seconds(reference, 1), 1e-9)))
    pairs = []
    for n in range(_WARM_UP + rounds):
        took = {place: _seconds(tasks[place], repeats) for place in ((0, 1) if n % 2 else (1, 0))}
        pairs.append((took[0], took[1]))
    ratios = np.array([mine / theirs for mine, theirs in pairs[_WARM_UP:]])
    interval = bootstrap((ratios,), np.median, rng=0, method="percentile").confidence_interval
    return Ratio(float(np.median(ratios)), float(interval.low), float(interval.high))


def _seconds(task: Callable[[], object], repeats: int) -> float:
    """Return the processor time of a task that is repeated."""
    start = process_time()
    for _ in range(repeats):
        task()
    return process_time() - start


def _work(specimen: Specimen, size: tuple[int, ...], layout: torch.memory_format) -> Callable[[], object]:
    """Return a training pass of a norm, and of the norm of weights that accompanies it."""
    parts = [specimen] if specimen.companion is None else [specimen, specimen.companion]
    passes = [_pass(one, _WEIGHTS[size] if one.of_weights else size, layout) for one in parts]
    return lambda: [one() for one in passes]


def _pass(specimen: Specimen, size: tuple[int, ...], layout: torch.memory_format) -> Callable[[], object]:
    """Return a forward and a backward pass, to the input and every parameter, in float32."""
    norm: nn.Module = specimen.build(size, torch.float32).train()
    x, dy = (normal(size, seed=seed).float().contiguous(memory_format=layout) for seed in range(2))
    leaves = [x.requires_grad_(), *norm.parameters()]
    noise = Noise([0], 0, x.device)

    def there_and_back() -> object:
        with source(noise):
            return torch.autograd.grad(norm(x), leaves, dy, allow_unused=True)

    return there_and_back
