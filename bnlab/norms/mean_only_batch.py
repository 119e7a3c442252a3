"""Mean-only batch norm."""

from typing import ClassVar

from torch import Tensor

from bnlab.norms import synchronized
from bnlab.norms.base import batch_axes
from bnlab.norms.measured import MeasuredNorm
from bnlab.options import Fraction


class MeanOnlyBatchNorm(MeasuredNorm):
    """Mean-only batch norm: y = x - μ + β, with the per-channel mean over the batch and all positions.

    Axes: x (B, C, *spatial), μ (C,) over B and spatial.
    Parameters: β (`bias`), (C,); none without `affine`. There is no gain: the scale is left to the weights.
    State: running mean, see `RunningNorm`; none without `track_running_stats`.
    Training uses the batch's μ and updates the running average; evaluation uses the running average, or the batch's
    mean without it.

    Raises:
        Refused: batch statistics of a single value per channel.

    Source: Salimans & Kingma 2016, arXiv:1602.07868, section 4 (there beside weight norm).
    """

    name: ClassVar[str] = "mean_only_batch"
    statistics: ClassVar[dict[str, float]] = {"running_mean": 0.0}
    has_gain: ClassVar[bool] = False
    reduces: ClassVar[bool] = True

    def __init__(
        self, features: int, *, momentum: Fraction | None, affine: bool, track_running_stats: bool, sync: bool
    ) -> None:
        # No division, so no ε.
        super().__init__(
            features, eps=0.0, momentum=momentum, affine=affine, track_running_stats=track_running_stats, sync=sync
        )

    def measure(self, x: Tensor) -> tuple[Tensor, ...]:
        mean = synchronized.mean(x) if self.is_synchronized() else x.mean(batch_axes(x))
        self.track(mean)
        return (mean,)

    def centre_and_scale(self, *statistics: Tensor) -> tuple[Tensor, None]:
        return statistics[0], None
