"""Running statistics, which a batch norm accumulates in training for use in evaluation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from bnlab import ranks
from bnlab.norms.base import AffineNorm, refuse_single_value, values_per_channel


@dataclass(frozen=True)
class Sample:
    """A batch's statistics at one norm, as passed to `track`, and the number of values per channel.

    Attributes:
        slot: index of the norm's set of running statistics that they belong to; None if it has a single set.
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
    """Collect the batch statistics of norms inside the block, and leave their running averages unchanged."""
    global _collected
    before, found = _collected, list[Sample]()
    _collected = found if on else None
    try:
        yield found
    finally:
        _collected = before


def is_collecting() -> bool:
    """Return whether a `collecting` block is open."""
    return _collected is not None


@contextmanager
def watching(on: bool = True) -> Iterator[list[Sample]]:
    """Collect the batch statistics of norms inside the block, and update their running averages as usual."""
    global _watched
    before, found = _watched, list[Sample]()
    _watched = found if on else None
    try:
        yield found
    finally:
        _watched = before


def is_watching() -> bool:
    """Return whether a `watching` block is open."""
    return _watched is not None


@contextmanager
def slot(index: int) -> Iterator[None]:
    """Assign the statistics collected inside the block to the index-th set of running statistics of each norm."""
    global _slot
    before, _slot = _slot, index
    try:
        yield
    finally:
        _slot = before


class RunningNorm(AffineNorm):
    """A norm over the batch that keeps running averages of its per-channel statistics.

    State (None without `track_running_stats`): a buffer (C,) for each of `statistics`, with its initial value, and
    `num_batches_tracked`, the number of training batches seen. Each training batch updates the averages by

        running <- (1 - m) running + m batch,    m = momentum, or 1 / num_batches_tracked if momentum is None,

    so momentum is PyTorch's, the weight of the *new* batch. Averaged variances are unbiased (divided by n - 1),
    although the batch itself is normalized by the biased variance (divided by n).

    If several processes (`bnlab.ranks`) share a batch, the statistics with `sync` are those of the whole batch, as in a
    single process; without, each process normalizes its part by its own statistics, and each part counts as a batch.

    Attributes:
        frozen: true to use the running averages in training too, without updating them.
        reduces: true if the `forward` of this very class combines the statistics of the ranks itself
            (`bnlab.norms.synchronized`). Otherwise, and in subclasses that do not repeat it, each rank gets the whole
            batch, which is always right, but passes more data between the processes.
        values: number of values per channel in the current batch.
        statistics: initial value of each running average, chosen to have no effect in evaluation.
        single_value: the result of normalizing a single value per channel, for the message.
    """

    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0, "running_var": 1.0}
    single_value: ClassVar[str] = "normalizes to 0 whatever it is"
    reduces: ClassVar[bool] = False

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, features: int, *, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        sync: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(features, eps=eps, affine=affine)
        self.momentum = momentum
        self.sync = sync
        self.frozen = False
        self.values = 0
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
        """Return the running averages, (C,) each, in the order of `statistics`; () without `track_running_stats`."""
        if self.num_batches_tracked is None:
            return ()
        return tuple(self.get_buffer(key) for key in self.statistics)

    def __call__(self, x: Tensor) -> Tensor:
        part = ranks.current()
        reduces = vars(type(self)).get("reduces", False)
        if part is None or not self.sync or reduces or self._uses_running_statistics():
            return super().__call__(x)
        with ranks.sharing(None):
            return part.own(super().__call__(part.whole(x)))

    def _uses_running_statistics(self) -> bool:
        return (self.frozen or not self.training) and self.num_batches_tracked is not None

    def is_synchronized(self) -> bool:
        """Return whether statistics of the batch are those of all ranks together."""
        return self.sync and ranks.current() is not None

    def uses_batch_statistics(self, x: Tensor) -> bool:
        """Return whether x is normalized by its own statistics; raise `Refused` for a single value per channel."""
        if self._uses_running_statistics():
            return False
        self.values = values_per_channel(x)
        if self.sync and (part := ranks.current()) is not None:
            self.values = self.values // len(x) * part.n
        refuse_single_value(
            self.values,
            norm=self.name,
            unit="channel",
            way_out="take data.batch_size=2 or more, or norm=group or norm=layer, which need no batch",
            outcome=self.single_value,
        )
        return True

    def track(self, *batch: Tensor) -> None:
        """Update the running averages, if any, with a batch's values, (C,) each, in the order of `statistics`.

        Variances are passed *unbiased*.
        """
        if self.num_batches_tracked is None:
            return
        if _collected is not None:
            _collected.append(Sample(self, self.values, batch, _slot))
            return
        self.show(*batch)
        self.average(self.running(), self.num_batches_tracked, batch)

    def average(self, running: Sequence[Tensor], count: Tensor, batch: Sequence[Tensor]) -> None:
        """Update running averages and their count of batches, in place, with a batch's values."""
        count.add_(1)
        weight: Tensor | float | None = self.momentum
        for average, value in zip(running, batch, strict=True):
            if weight is None:
                weight = count.to(average.dtype).reciprocal()
            # Not lerp_, which has no vmap rule of its own.
            average.add_(weight * (value.detach() - average))

    def show(self, *batch: Tensor) -> None:
        """Add a batch's values to an open `watching` block, in the order of `statistics`; variances are *unbiased*."""
        if _watched is not None:
            _watched.append(Sample(self, self.values, tuple(value.detach() for value in batch), _slot))

    def pooled(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """Return the statistics of these batches that replace the running ones, in the order of `statistics`.

        Batches are weighted by their number of values. For a norm with `running_mean` and `running_var` these are the
        statistics of all values together: the mean of the means, and the mean of the variances within the batches plus
        the variance of the means, E[σ²_B] + E[μ²_B] - E[μ_B]², biased variances throughout; it is returned unbiased.
        Any other norm gets the mean of each statistic over the batches. A mean alone (mean-only batch norm) is that of
        all values; a variance alone (variance-only batch norm) is the mean of the unbiased variances *within* batches,
        which omits the variance of the means, as a batch's own variance does in training. Norms that pool their
        statistics differently override this (ℓp norms, batch renormalization).
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
        """Return (Σ n v^p / Σ n)^(1/p) of one statistic v over samples of n values; the maximum for p = ∞."""
        values = torch.stack([s.statistics[place] for s in samples])
        if power == inf:
            return values.amax(0)
        total = sum(s.values for s in samples)
        shares = [s.values / total for s in samples]
        return torch.stack([v**power * share for v, share in zip(values, shares, strict=True)]).sum(0) ** (1 / power)

    def extra_repr(self) -> str:
        tracked = self.num_batches_tracked is not None
        return f"{super().extra_repr()}, momentum={self.momentum}, track_running_stats={tracked}"
