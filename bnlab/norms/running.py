"""Running statistics: what a batch norm remembers of training for use in evaluation."""

from typing import ClassVar

import torch
from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_single_value, values_per_channel


class RunningNorm(AffineNorm):
    """A norm over the batch that keeps running averages of its statistics a channel.

    State (None without `track_running_stats`): a buffer (C,) for each of `statistics`, from the value named there, and
    `num_batches_tracked`, the number of training batches seen. Each training batch moves the averages by

        running <- (1 - m) running + m batch,    m = momentum, or 1 / num_batches_tracked where momentum is null,

    so momentum is PyTorch's, the weight of the *new* batch. A variance that is averaged is the unbiased one (divided by
    n - 1), although the batch itself is normalized by the biased one (divided by n).

    Attributes:
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
        if not self.training and self.num_batches_tracked is not None:
            return False
        refuse_single_value(
            values_per_channel(x),
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
        self.num_batches_tracked.add_(1)
        weight: Tensor | float | None = self.momentum
        for running, value in zip(self.running(), batch, strict=True):
            if weight is None:
                weight = self.num_batches_tracked.to(running.dtype).reciprocal()
            # Written out and not lerp_, for which vmap has no rule of its own.
            running.add_(weight * (value.detach() - running))

    def extra_repr(self) -> str:
        tracked = self.num_batches_tracked is not None
        return f"{super().extra_repr()}, momentum={self.momentum}, track_running_stats={tracked}"
