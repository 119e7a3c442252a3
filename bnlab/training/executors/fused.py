"""R runs of one architecture together: their tensors are stacked, and one vmapped forward pass serves all."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor
from torch.func import stack_module_state

from bnlab.models.base import Model
from bnlab.noise import Noise, source
from bnlab.norms.running import Sample, collecting, watching
from bnlab.norms.site import Tape
from bnlab.training.executors.base import Forward, Watch, bfloat16, mean_accuracy, mean_loss, observed
from bnlab.training.executors.rules import Rules


class Fused:
    """Executor that vmaps only the forward pass; gradients come from ordinary autograd on the stacked leaves.

    The models' tensors are copied: the executor keeps neither them nor the models.
    """

    stacked = True

    def __init__(self, models: Sequence[Model], *, low_precision: bool = False) -> None:
        self._tensors = stack_module_state(list(models))
        self._low_precision = low_precision
        self.model = deepcopy(models[0]).to("meta")
        self._places = {
            f"{prefix}.{key}".lstrip("."): (held, key)
            for prefix, module in self.model.named_modules()
            for held in (module._parameters, module._buffers)
            for key in held
        }

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return self._tensors

    def stack(self, values: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(values))

    def unstack(self, value: Tensor) -> Tensor:
        return value

    def restack(self, value_R: Tensor) -> Tensor:
        return value_R

    def train(self, mode: bool) -> None:
        self.model.train(mode)

    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def forward(
        self, params: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor, *, shared: bool = False,
        noise: Noise | None = None, score: bool = False, watch: Watch | None = None, collect: bool = False,
        elsewhere: bool = False,  # noqa: ARG002
    ) -> Forward:  # fmt: skip
        inside: list[Sample] = []  # with tensors of vmap, replaced below by those that it returns

        def taken(samples: list[Sample]) -> list[tuple[Tensor, ...]]:
            inside.extend(samples)
            return [s.statistics for s in samples]

        names = [*params, *buffers]

        def one(
            tensors: list[Tensor], x: Tensor, y: Tensor
        ) -> tuple[Tensor, list[Tensor], Tape, list[tuple[Tensor, ...]]]:
            statistics = watching(watch is not None and watch.statistics)
            precision, holding = bfloat16(x, self._low_precision), self._holding(zip(names, tensors, strict=True))
            with observed(watch) as passed, statistics as watched, collecting(collect) as collected, precision, holding:
                prediction = self.model(x)
            accuracy = mean_accuracy(prediction, y) if score else None
            return (
                mean_loss(prediction, y),
                [] if accuracy is None else [accuracy],
                passed,
                taken(collected or watched),
            )  # vmap cannot return None

        each = None if shared else 0
        with Rules(), source(noise) if noise else nullcontext():
            tensors = [*params.values(), *buffers.values()]
            loss, accuracy, passed, statistics = torch.vmap(one, in_dims=(0, each, each))(tensors, x, y)
        outside = [replace(s, statistics=own) for s, own in zip(inside, statistics, strict=True)]
        return Forward(loss, accuracy[0] if accuracy else None, passed, outside)

    @contextmanager
    def _holding(self, tensors: Iterable[tuple[str, Tensor]]) -> Iterator[None]:
        """Let the model hold these tensors; `torch.func.functional_call` would take longer than a small net itself."""
        before = []
        try:
            for name, tensor in tensors:
                held, key = self._places[name]
                before.append((held, key, held[key]))
                held[key] = tensor
            yield
        finally:
            for held, key, tensor in before:
                held[key] = tensor
