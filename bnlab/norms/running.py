"""Running statistics: what a batch norm remembers of training for use in evaluation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_single_value, values_per_channel


@dataclass(frozen=True)
class Sample:
    """A batch's statistics at one norm, as handed to `track`, and the values a channel that they are of.

    Attributes:
        slot: which of a norm's several sets of running statistics they belong to; null where it has one.
    """

    norm: "RunningNorm"
    values: int
    statistics: tuple[Tensor, ...]
    slot: int | None = None


_collected: list[Sample] | None = None
_watched: list[Sample] | None = None
_slot: int | None = None


@contextmanager
def collecting(on: bool = True) -> Iterator[list[Sample]]:
    """Inside the block norms hand over their batches' statistics and leave their running averages as they are."""
    global _collected
    before, found = _collected, list[Sample]()
    _collected = found if on else None
    try:
        yield found
    finally:
        _collected = before


def is_collecting() -> bool:
    """Whether a `collecting` block is open."""
    return _collected is not None


@contextmanager
def watching(on: bool = True) -> Iterator[list[Sample]]:
    """Inside the block norms hand over their batches' statistics, and move their running averages as ever."""
    global _watched
    before, found = _watched, list[Sample]()
    _watched = found if on else None
    try:
        yield found
    finally:
        _watched = before


def is_watching() -> bool:
    """Whether a `watching` block is open."""
    return _watched is not None


@contextmanager
def slot(index: int) -> Iterator[None]:
    """What norms hand over inside the block belongs to the index-th of their sets of running statistics."""
    global _slot
    before, _slot = _slot, index
    try:
        yield
    finally:
        _slot = before


class RunningNorm(AffineNorm):
    """A norm over the batch that keeps running averages of its statistics a channel.

    State (None without `track_running_stats`): a buffer (C,) for each of `statistics`, from the value named there, and
    `num_batches_tracked`, the number of training batches seen. Each training batch moves the averages by

        running <- (1 - m) running + m batch,    m = momentum, or 1 / num_batches_tracked where momentum is null,

    so momentum is PyTorch's, the weight of the *new* batch. A variance that is averaged is the unbiased one (divided by
    n - 1), although the batch itself is normalized by the biased one (divided by n).

    Attributes:
        frozen: the running averages are used in training too, and stay as they are.
        statistics: initial value of each running average; one that changes nothing in evaluation.
        single_value: what becomes of a single value a channel, for the refusal.
    """

    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0, "running_var": 1.0}
    single_value: ClassVar[str] = "normalizes to 0 whatever it is"

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, features: int, *, eps: float, momentum: float | None, affine: bool, track_running_stats: bool
    ) -> None:
        super().__init__(features, eps=eps, affine=affine)
        self.momentum = momentum
        self.frozen = False
        self._values = 0  # a channel in the batch at hand
        for key in self.statistics:
            self.register_buffer(key, torch.empty(features) if track_running_stats else None)
        count = torch.empty((), dtype=torch.long) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()
            for running, value in zip(self.running(), self.statistics.values(), strict=True):
                running.fill_(value)

    def running(self) -> tuple[Tensor, ...]:
        """The running averages, (C,) each, in the order of `statistics`; none without `track_running_stats`."""
        if self.num_batches_tracked is None:
            return ()
        return tuple(self.get_buffer(key) for key in self.statistics)

    def uses_batch_statistics(self, x: Tensor) -> bool:
        """Whether x is normalized by its own statistics; `Refused` where these would be of one value a channel."""
        if (self.frozen or not self.training) and self.num_batches_tracked is not None:
            return False
        self._values = values_per_channel(x)
        refuse_single_value(
            self._values,
            norm=self.name,
            unit="channel",
            way_out="take data.batch_size=2 or more, or norm=group or norm=layer, which need no batch",
            outcome=self.single_value,
        )
        return True

    def track(self, *batch: Tensor) -> None:
        """Move the running averages, if any, towards a batch's values, (C,) each, in the order of `statistics`.

        A variance is handed over *unbiased*.
        """
        if self.num_batches_tracked is None:
            return
        if _collected is not None:
            _collected.append(Sample(self, self._values, batch, _slot))
            return
        self.show(*batch)
        self.num_batches_tracked.add_(1)
        weight: Tensor | float | None = self.momentum
        for running, value in zip(self.running(), batch, strict=True):
            if weight is None:
                weight = self.num_batches_tracked.to(running.dtype).reciprocal()
            # Written out and not lerp_, for which vmap has no rule of its own.
            running.add_(weight * (value.detach() - running))

    def show(self, *batch: Tensor) -> None:
        """Hand a batch's values over to whoever watches; in the order of `statistics`, a variance *unbiased*."""
        if _watched is not None:
            _watched.append(Sample(self, self._values, tuple(value.detach() for value in batch), _slot))

    def pooled(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return what takes the place of the running statistics after these batches, in the order of `statistics`.

        Batches weigh by their number of values. For a norm that keeps `running_mean` and `running_var` these are the
        statistics of all values together: the mean of the means, and the mean of the variances within the batches plus
        the variance of the means, E[σ²_B] + E[μ²_B] - E[μ_B]², biased variances throughout; it comes back unbiased.
        Any other norm gets the mean of each statistic over the batches. A mean alone (mean-only batch norm) is that of
        all values; a variance alone (variance-only batch norm) is the mean of the unbiased variances *within* batches,
        which leaves out the variance of the means, as a batch's own variance does in training. Norms whose statistics
        are pooled otherwise override this (ℓp norms, batch renormalization).
        Source: Wu & Johnson 2021, arXiv:2105.07576, section 3.1.
        """
        means = tuple(self._average(samples, place) for place in range(len(self.statistics)))
        if tuple(self.statistics) != ("running_mean", "running_var"):
            return means
        total = sum(s.values for s in samples)
        within = torch.stack([s.statistics[1] * ((s.values - 1) / total) for s in samples]).sum(0)
        return means[0], (within + self._variance_of_means(samples)) * (total / (total - 1))

    def _variance_of_means(self, samples: Sequence[Sample]) -> Tensor:
        mean, total = self._average(samples, 0), sum(s.values for s in samples)
        return torch.stack([(s.statistics[0] - mean).square() * (s.values / total) for s in samples]).sum(0)

    @staticmethod
    def _average(samples: Sequence[Sample], place: int, power: float = 1.0) -> Tensor:
        """(Σ n v^p / Σ n)^(1/p) of one statistic v over samples of n values; p infinite: the largest."""
        values = torch.stack([s.statistics[place] for s in samples])
        if power == inf:
            return values.amax(0)
        total = sum(s.values for s in samples)
        shares = [s.values / total for s in samples]
        return torch.stack([v**power * share for v, share in zip(values, shares, strict=True)]).sum(0) ** (1 / power)

    def extra_repr(self) -> str:
        tracked = self.num_batches_tracked is not None
        return f"{super().extra_repr()}, momentum={self.momentum}, track_running_stats={tracked}"
