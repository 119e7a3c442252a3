"""Evaluation after each epoch and at the end of training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from bnlab.data.tensors import Part, TensorData
from bnlab.noise import Noise
from bnlab.training.evaluate import LARGEST_EVALUATION, Score, in_order, score
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState, kept_buffers
from bnlab.training.statistics import Mode, Statistics, batch_statistics, recompute


@dataclass(frozen=True)
class Evaluation:
    """Score of a split, normalized with the statistics of a mode (`runs.schema.MODES`)."""

    split: Part
    mode: Mode
    score: Score


class Evaluator:
    """Evaluator of an executor's replicas at their current state; leaves the executor in training mode.

    Args:
        noise: returns the noise of a pass at the state's step, for statistics computed in training mode.
    """

    def __init__(
        self, executor: Executor, state: TrainState, data: TensorData, statistics: Statistics, batch_size: int,
        noise: Callable[[], Noise],
    ) -> None:  # fmt: skip
        self._executor, self._state, self._data = executor, state, data
        self._statistics, self._batch_size, self._noise = statistics, batch_size, noise

    def epoch(self) -> Iterator[Evaluation]:
        """Yield the evaluation after an epoch: the validation split."""
        if self._statistics.recompute == "epoch":
            self._recompute()
        yield from self._running(("val",))

    def last(self) -> Iterator[Evaluation]:
        """Yield the evaluations at the end: every split, then validation and test in the other requested modes."""
        if self._statistics.recompute != "never":
            self._recompute()
        yield from self._running(("val", "train", "test"))
        if "batch" in self._statistics.modes:
            with batch_statistics(self._executor, self._state):
                for part in self._filled(("val", "test")):
                    batches = in_order(*self._examples(part), self._batch_size, whole=True)
                    yield Evaluation(part, "batch", score(self._executor, self._state, batches, self._noise()))
        if "recomputed" in self._statistics.modes:
            with kept_buffers(self._state):
                self._recompute()
                for found in self._running(("val", "test")):
                    yield Evaluation(found.split, "recomputed", found.score)

    def examples(self, epochs: int) -> int:
        """Return roughly how many examples are evaluated after `epochs` epochs and at the end, in all modes."""
        val, train, test = (len(self._examples(part)[0]) for part in ("val", "train", "test"))
        return (epochs + 1) * val + train + test + len(set(self._statistics.modes) - {"running"}) * (val + test)

    def _running(self, parts: Sequence[Part]) -> Iterator[Evaluation]:
        self._executor.train(False)
        for part in self._filled(parts):
            batches = in_order(*self._examples(part), self._batch_size)
            yield Evaluation(part, "running", score(self._executor, self._state, batches))
        self._executor.train(True)

    def _filled(self, parts: Sequence[Part]) -> list[Part]:
        """Return the splits that have examples: with data.val_size=0 there is no validation split."""
        return [part for part in parts if len(self._data.parts[part][0])]

    def _examples(self, part: Part) -> tuple[Tensor, Tensor]:
        x, y = self._data.parts[part]
        return x[: LARGEST_EVALUATION[part]], y[: LARGEST_EVALUATION[part]]

    def _recompute(self) -> None:
        x, y = self._data.parts["train"]
        n = self._statistics.examples
        recompute(self._executor, self._state, x[:n], y[:n], self._batch_size, self._noise())
