"""A single run whose batches are computed by several processes, each its own part of the examples (data parallelism).

Every rank holds the whole net and all data and makes the same update, so their weights stay equal bit for bit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from bnlab.models.base import Model
from bnlab.noise import Noise
from bnlab.norms.running import RunningNorm, Sample
from bnlab.ranks import Part, Ranks, sharing, total, with_summed_gradients
from bnlab.training.executors.base import Forward, Watch
from bnlab.training.executors.serial import Serial


class Parallel(Serial):
    """Executor of one rank.

    Loss, accuracy and gradients are those of the whole batch, also for one that the ranks do not divide evenly.

    Args:
        batch_size: of training; each rank computes ⌈batch_size / N⌉ consecutive examples of a batch, and at
            its end fewer or none (`bnlab.ranks.Part`).
    """

    def __init__(self, model: Model, ranks: Ranks, batch_size: int, *, low_precision: bool = False) -> None:
        super().__init__(model, low_precision=low_precision)
        self._ranks, self._chunk = ranks, -(-batch_size // ranks.size)
        self._paths = {module: path for path, module in model.named_modules() if isinstance(module, RunningNorm)}
        self._has_own_statistics = any(not norm.sync for norm in self._paths)
        self._is_alone = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Compute whole batches in each process inside the block."""
        self._is_alone = True
        try:
            yield
        finally:
            self._is_alone = False

    def forward(
        self, params: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor, *, shared: bool = False,
        noise: Noise | None = None, score: bool = False, watch: Watch | None = None, collect: bool = False,
        elsewhere: bool = False,
    ) -> Forward:  # fmt: skip
        if self._is_alone:
            return super().forward(
                params, buffers, x, y, shared=shared, noise=noise, score=score, watch=watch, collect=collect,
                elsewhere=elsewhere,
            )  # fmt: skip
        part = Part.of(self._ranks, len(x), self._chunk)
        leaves = dict(zip(params, with_summed_gradients(list(params.values()), self._ranks), strict=True))
        with sharing(part):
            passed = super().forward(
                leaves, buffers, part.own(x), part.own(y), noise=noise, score=score, watch=watch,
                collect=collect or self._has_own_statistics, elsewhere=True,
            )  # fmt: skip
        samples = passed.statistics
        if self._has_own_statistics:
            samples = self._of_all(samples, part)
            if not collect:
                self._track(samples, buffers)
        accuracy = None if passed.accuracy is None else total(passed.accuracy * part.share, self._ranks)
        loss = total(passed.loss * part.share, self._ranks)
        return replace(passed, loss=loss, accuracy=accuracy, statistics=samples, whole=part.whole)

    @torch.no_grad()
    def _of_all(self, own: Sequence[Sample], part: Part) -> list[Sample]:
        """Return the statistics of each rank's part, in the order in which one process would compute them."""
        if not own:
            return []
        sizes = [value.numel() for sample in own for value in sample.statistics]
        rows_N = self._ranks.gather(torch.cat([value.reshape(-1) for sample in own for value in sample.statistics]))
        mine = part.counts[self._ranks.rank] or part.counts[0]
        pieces = [iter(torch.split(row, sizes)) for row in rows_N]
        found = []
        for sample in own:
            for count, values in zip(part.counts, pieces, strict=True):
                statistics = tuple(next(values).view_as(value) for value in sample.statistics)
                if count:
                    found.append(replace(sample, values=sample.values * count // mine, statistics=statistics))
        return found

    def _track(self, samples: Sequence[Sample], buffers: dict[str, Tensor]) -> None:
        """Update the running averages as if each rank's part were a batch, one after another."""
        for sample in samples:
            path, norm = self._paths[sample.norm], sample.norm
            count, *running = (buffers[f"{path}.{key}"] for key in ("num_batches_tracked", *norm.statistics))
            if sample.slot is not None:
                count, running = count[sample.slot], [average[sample.slot] for average in running]
            norm.average(running, count, sample.statistics)
