"""A single run, on the module's own parameters."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor
from torch.func import functional_call

from bnlab.models.base import Model
from bnlab.noise import Noise, source
from bnlab.norms.running import collecting, watching
from bnlab.training.executors.base import Forward, Watch, bfloat16, mean_accuracy, mean_loss, observed


class Serial:
    """Executor without vmap: no stacking, no copies."""

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

    def restack(self, value_R: Tensor) -> Tensor:
        return value_R.squeeze(0)

    def train(self, mode: bool) -> None:
        self.model.train(mode)

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def forward(
        self, params: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor, *, shared: bool = False,  # noqa: ARG002
        noise: Noise | None = None, score: bool = False, watch: Watch | None = None, collect: bool = False,
        elsewhere: bool = False,
    ) -> Forward:  # fmt: skip
        statistics = watching(watch is not None and watch.statistics)
        precision, noisy = bfloat16(x, self._low_precision), source(noise) if noise else nullcontext()
        with observed(watch) as passed, statistics as watched, collecting(collect) as collected, precision, noisy:
            prediction = functional_call(self.model, (params, buffers), (x,)) if elsewhere else self.model(x)
        accuracy = mean_accuracy(prediction, y) if score else None
        return Forward(mean_loss(prediction, y), accuracy, passed, collected or watched)
