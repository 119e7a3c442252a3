"""Norms over the batch that are told by two functions: which statistics they take, and what they do with them."""

from torch import Tensor

from bnlab.norms.base import per_channel, widened
from bnlab.norms.running import RunningNorm


class MeasuredNorm(RunningNorm):
    """y = γ (x - centre) scale + β, centre and scale from statistics: the batch's in training, else the running ones.

    Half precision is normalized in float32 and handed back in the input's type.
    """

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        """The batch's statistics a channel, (C,) each, in the order of `statistics`; tracks them."""
        raise NotImplementedError

    def centre_and_scale(self, *statistics: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """What is taken from x and what it is then multiplied by, (C,) each; null for nothing."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        wide = widened(x)
        statistics = self.measure(wide) if self.uses_batch_statistics(x) else self.running()
        centre, scale = self.centre_and_scale(*statistics)
        if centre is not None:
            wide = wide - per_channel(centre, x)
        return self.scale_and_shift(wide, None if scale is None else per_channel(scale, x)).to(x.dtype)
