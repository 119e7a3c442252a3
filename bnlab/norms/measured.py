"""Norms over the batch defined by two functions: which statistics they compute, and how these are applied."""

from torch import Tensor

from bnlab.norms.base import per_channel, widened
from bnlab.norms.running import RunningNorm


class MeasuredNorm(RunningNorm):
    """A norm y = γ (x - centre) scale + β, from the batch's statistics in training, otherwise from running ones.

    Half precision is normalized in float32 and returned in the input's dtype.
    """

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the batch's per-channel statistics, (C,) each, in the order of `statistics`, and track them."""
        raise NotImplementedError

    def centre_and_scale(self, *statistics: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return what to subtract from x and what to multiply it by afterwards, (C,) each; None to do neither."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        wide = widened(x)
        statistics = self.measure(wide) if self.uses_batch_statistics(x) else self.running()
        centre, scale = self.centre_and_scale(*statistics)
        if centre is not None:
            wide = wide - per_channel(centre, x)
        return self.scale_and_shift(wide, None if scale is None else per_channel(scale, x)).to(x.dtype)
