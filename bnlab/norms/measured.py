"""Norms over the batch that are told by two functions: which statistics they take, and what they do with them."""

from torch import Tensor

from bnlab.norms.base import widened
from bnlab.norms.running import RunningNorm


class MeasuredNorm(RunningNorm):
    """y = γ x̂ + β with x̂ = normalize(x, statistics), the batch's in training and the running ones in evaluation.

    Half precision is normalized in float32 and handed back in the input's type.
    """

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        """The batch's statistics a channel, (C,) each, in the order of `statistics`; tracks them."""
        raise NotImplementedError

    def normalize(self, x: Tensor, *statistics: Tensor) -> Tensor:
        """x̂, given the statistics, (C,) each."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        wide = widened(x)
        statistics = self.measure(wide) if self.uses_batch_statistics(x) else self.running()
        return self.scale_and_shift(self.normalize(wide, *statistics)).to(x.dtype)
