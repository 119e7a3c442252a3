"""Running statistics: what a batch norm remembers of training for use in evaluation."""

import torch
from torch import Tensor

from bnlab.norms.base import AffineNorm, refuse_single_value, values_per_channel


class RunningNorm(AffineNorm):
    """A norm over the batch that keeps running averages of its mean and variance a channel.

    State (None without `track_running_stats`): `running_mean` (C,) from 0, `running_var` (C,) from 1, and
    `num_batches_tracked`, the number of training batches seen. Each training batch moves the averages by

        running <- (1 - m) running + m batch,    m = momentum, or 1 / num_batches_tracked where momentum is null,

    so momentum is PyTorch's, the weight of the *new* batch. The variance that is averaged is the unbiased one
    (divided by n - 1), although the batch itself is normalized by the biased one (divided by n).
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, features: int, *, eps: float, momentum: float | None, affine: bool, track_running_stats: bool
    ) -> None:
        super().__init__(features, eps=eps, affine=affine)
        self.momentum = momentum
        self.register_buffer("running_mean", torch.empty(features) if track_running_stats else None)
        self.register_buffer("running_var", torch.empty(features) if track_running_stats else None)
        count = torch.empty((), dtype=torch.long) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def uses_batch_statistics(self, x: Tensor) -> bool:
        """Whether x is normalized by its own statistics; `Refused` where these would be of one value a channel."""
        if not self.training and self.running_mean is not None:
            return False
        refuse_single_value(
            values_per_channel(x),
            norm=self.name,
            unit="channel",
            way_out="take data.batch_size=2 or more, or norm=group or norm=layer, which need no batch",
        )
        return True

    def track(self, mean: Tensor, var: Tensor) -> None:
        """Move the running averages towards a batch's mean and *unbiased* variance, both (C,)."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        weight: Tensor | float | None = self.momentum
        if weight is None:
            weight = self.num_batches_tracked.to(self.running_mean.dtype).reciprocal()
        # Written out and not lerp_, for which vmap has no rule of its own.
        self.running_mean.add_(weight * (mean.detach() - self.running_mean))
        self.running_var.add_(weight * (var.detach() - self.running_var))

    def extra_repr(self) -> str:
        tracked = self.running_mean is not None
        return f"{super().extra_repr()}, momentum={self.momentum}, track_running_stats={tracked}"
