"""One run alone, on the module's own parameters."""

from collections.abc import Sequence
from contextlib import nullcontext

from torch import Tensor

from bnlab.models.base import Model
from bnlab.noise import Noise, source
from bnlab.norms.running import collecting
from bnlab.norms.site import tape
from bnlab.training.executors.base import Forward, bfloat16, mean_accuracy, mean_loss


class Serial:
    """The step without vmap: no stacking, no copies."""

    stacked = False

    def __init__(self, model: Model, *, low_precision: bool = False) -> None:
        self.model = model
        self._low_precision = low_precision

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return dict(self.model.named_parameters()), dict(self.model.named_buffers())

    def stack(self, values: Sequence[Tensor]) -> Tensor:
        (value,) = values
        return value

    def unstack(self, value: Tensor) -> Tensor:
        return value.unsqueeze(0)

    def train(self, mode: bool) -> None:
        self.model.train(mode)

    def forward(
        self, params: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor, *, shared: bool = False,  # noqa: ARG002
        noise: Noise | None = None, score: bool = False, observe: bool = False, collect: bool = False,
    ) -> Forward:  # fmt: skip
        with tape(observe) as sites, collecting(collect) as found, source(noise) if noise else nullcontext():
            with bfloat16(x, self._low_precision):
                prediction = self.model(x)
            return Forward(mean_loss(prediction, y), mean_accuracy(prediction, y) if score else None, sites, found)
