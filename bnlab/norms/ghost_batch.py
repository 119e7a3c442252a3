"""Ghost batch norm."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import refuse_ragged_chunk
from bnlab.norms.batch import BatchNorm
from bnlab.options import Count, Fraction, Positive


class GhostBatchNorm(BatchNorm):
    """Ghost batch norm: y = γ (x - μ) / √(σ² + ε) + β, with per-channel statistics over a chunk of the batch.

    Axes: x (B, C, *spatial), split along B into chunks of `chunk` consecutive examples, the last one shorter if `chunk`
    does not divide B; μ and σ² (C,) over a chunk's examples and spatial. With `chunk` ≥ B it is batch norm.
    Parameters: γ (`weight`), β (`bias`), (C,) each, shared by the chunks; none without `affine`.
    State: that of batch norm applied to the chunks in order: each chunk, also a shorter one, updates the running
    averages by `momentum` and counts as a batch.
    Training uses the chunks' statistics; evaluation uses the running averages for the whole batch, or the chunks'
    statistics without them.

    Raises:
        Refused: a chunk, or the shorter last one, has a single value per channel.

    Source: Hoffer, Hubara & Soudry 2017, arXiv:1705.08741, algorithm 1.
    """

    name: ClassVar[str] = "ghost_batch"
    reduces: ClassVar[bool] = False  # a chunk may lie across two ranks

    def __init__(
        self,
        features: int,
        *,
        chunk: Count,
        eps: Positive,
        momentum: Fraction | None,
        affine: bool,
        track_running_stats: bool,
        sync: bool,
    ) -> None:
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )
        self.chunk = chunk

    def forward(self, x: Tensor) -> Tensor:
        if not self.uses_batch_statistics(x):
            return super().forward(x)
        refuse_ragged_chunk(x, self.chunk)  # before any chunk updates the running averages
        return torch.cat([super(GhostBatchNorm, self).forward(chunk) for chunk in self._chunks(x)])

    def _chunks(self, x: Tensor) -> tuple[Tensor, ...]:
        return torch.split(x, min(self.chunk, len(x)))  # torch rejects numbers of 2^63 and above

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, chunk={self.chunk}"
