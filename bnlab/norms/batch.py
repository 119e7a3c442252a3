"""Batch norm, using torch's kernels."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.norms.base import per_channel, widened
from bnlab.norms.running import RunningNorm, is_collecting, is_watching
from bnlab.norms.synchronized import moments
from bnlab.options import Fraction, Positive


class BatchNorm(RunningNorm):
    """Batch norm: y = γ (x - μ) / √(σ² + ε) + β, with per-channel statistics over the batch and all positions.

    Axes: x (B, C, *spatial), μ and σ² (C,) over B and spatial; σ² is the biased variance.
    Parameters: γ (`weight`), β (`bias`), (C,) each; none without `affine`.
    State: running mean and (unbiased) variance, see `RunningNorm`; none without `track_running_stats`.
    Training uses the batch's μ and σ² and updates the running averages; evaluation uses the running averages, or the
    batch's statistics without them.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 1; running averages as in `torch.nn.BatchNorm2d`.
    """

    name: ClassVar[str] = "batch"
    reduces: ClassVar[bool] = True

    def __init__(
        self, features: int, *, eps: Positive, momentum: Fraction | None, affine: bool, track_running_stats: bool,
        sync: bool,
    ) -> None:  # fmt: skip
        super().__init__(
            features, eps=eps, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )

    def forward(self, x: Tensor) -> Tensor:
        mean, var, momentum = self.running_mean, self.running_var, self.momentum
        if not self.uses_batch_statistics(x):
            return F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.eps)
        if self.is_synchronized():
            return self._synchronized(x)
        if mean is None or var is None:
            return F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)
        if momentum is None or is_collecting():
            # A momentum that changes between batches is a tensor under vmap, which F.batch_norm does not accept. With
            # momentum 1 it writes the batch's statistics into mean and var, and `track` averages them.
            mean, var = torch.zeros_like(mean), torch.zeros_like(var)
            y = F.batch_norm(x, mean, var, self.weight, self.bias, True, 1.0, self.eps)
            self.track(mean, var)
            return y
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        if not is_watching():
            return F.batch_norm(x, mean, var, self.weight, self.bias, True, momentum, self.eps)
        # F.batch_norm calls this and discards the batch's statistics.
        y, batch_mean, inverse_std, *_ = torch._batch_norm_impl_index(
            x, self.weight, self.bias, mean, var, True, momentum, self.eps, torch.backends.cudnn.enabled
        )
        n, var = self.values, inverse_std.square().reciprocal() - self.eps
        lost = var < 4 * torch.finfo(var.dtype).eps * self.eps  # rounding error of a constant channel
        self.show(batch_mean, torch.where(lost, 0.0, var) * (n / (n - 1)))
        return y

    def _synchronized(self, x: Tensor) -> Tensor:
        """Normalize this rank's part of a batch by the statistics of the whole batch."""
        wide = widened(x)
        mean, var = moments(wide)
        self.track(mean, var * (self.values / (self.values - 1)))
        scale = torch.rsqrt(var + self.eps)
        return self.scale_and_shift(wide - per_channel(mean, x), per_channel(scale, x)).to(x.dtype)
