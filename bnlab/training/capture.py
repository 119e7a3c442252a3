"""Updates whose kernels are recorded once and then replayed, as CUDA graphs do.

A small net's update is hundreds of kernels of a few microseconds, and starting each from Python takes as long again. A
replay starts them all together. It repeats the very kernels of the recording, with the same tensors and the same
numbers from Python, so whatever changes between updates is copied into tensors that the recording has read: batches,
learning rates, the step and the random numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from bnlab.noise import Noise, Sample
from bnlab.optim.hyper import Hyper
from bnlab.training.passes import Batch
from bnlab.training.state import Output, TrainState, kept
from bnlab.training.step import METRICS, Step

WARM_UPS = 3  # updates before a recording, in which libraries choose kernels and allocate what they keep


class Graphs(Protocol):
    """What records kernels and replays them: `CudaGraphs`, and in tests an imitation on the CPU."""

    def warm_up(self, work: Callable[[], Any]) -> None:
        """Do the work as preparation of its recording."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work, whether or not that does it, and return the function that replays it."""


class CudaGraphs:
    """CUDA graphs, which share one pool of memory.

    Source: https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, work: Callable[[], Any]) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            work()
        torch.cuda.current_stream().wait_stream(stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        torch.cuda.empty_cache()  # the graph's pool cannot use what other updates have left
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            work()
        return graph.replay


class Listed(Noise):
    """The noise of one update, with a list of what was drawn."""

    def __init__(self, noise: Noise) -> None:
        super().__init__(noise.seeds, noise.step, noise.device)
        self.draws: list[tuple[Sample, tuple[int, ...], torch.dtype, str]] = []

    def draw_R(self, sample: Sample, shape: Sequence[int], dtype: torch.dtype, stream: str) -> Tensor:
        self.draws.append((sample, tuple(shape), dtype, stream))
        return super().draw_R(sample, shape, dtype, stream)


class Drawn(Noise):
    """Noise that was drawn beforehand into the same tensors for every update."""

    def __init__(self, listed: Listed) -> None:
        super().__init__(listed.seeds, listed.step, listed.device)
        self._draws = listed.draws
        noise = listed.again()
        self._values = [noise.draw_R(*draw) for draw in self._draws]
        self._next = 0

    def fill(self, noise: Noise) -> None:
        """Draw the numbers of an update, from its beginning."""
        for value, draw in zip(self._values, self._draws, strict=True):
            value.copy_(noise.draw_R(*draw))

    def rewind(self) -> None:
        """Start again with the first numbers."""
        self._next = 0

    def draw_R(self, sample: Sample, shape: Sequence[int], dtype: torch.dtype, stream: str) -> Tensor:
        assert self._draws[self._next] == (sample, tuple(shape), dtype, stream)
        self._next += 1
        return self._values[self._next - 1]


@dataclass
class _Recording:
    """Recorded updates with batches of the same shapes, and the tensors that they read and write."""

    batches: list[Batch]
    hyper: Hyper
    step: Tensor
    noise: Drawn
    output: Output
    replay: Callable[[], None]


class Captured:
    """A step that records plain updates, with or without metrics, once for each shape of batches.

    Steps with diagnostics and steps that do not update are computed as usual. The result is that of the step itself.
    If an update cannot be recorded, because it reads numbers from tensors, none is from then on.

    Args:
        step: the step to record; its optimizer is `capturable`.
        freeze_from: the update from which norms use frozen statistics, for which there are other recordings.
        note: called with a line if updates cannot be recorded.
    """

    def __init__(
        self, step: Step, graphs: Graphs, freeze_from: float, note: Callable[[str], None]
    ) -> None:  # fmt: skip
        self._step, self._graphs, self._freeze_from, self._note = step, graphs, freeze_from, note
        self._recordings: dict[Any, _Recording] = {}
        self._works = True

    def __call__(
        self, state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise, *,
        update: bool = True,
    ) -> Output:  # fmt: skip
        if not self._works or not update or any(name != METRICS for name in due):
            return self._step(state, batches, hyper, due, noise, update=update)
        key = (tuple(x.shape for x, _ in batches), METRICS in due, state.step >= self._freeze_from)
        found = self._recordings.get(key)
        if found is None:
            try:
                found = self._recordings[key] = self._record(state, batches, hyper, due, noise)
            except RuntimeError as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                self._works = False
                self._note(f"graphs: updates cannot be replayed ({str(error).splitlines()[0]})")
                return self._step(state, batches, hyper, due, noise)
        with torch.no_grad():
            for (own_x, own_y), (x, y) in zip(found.batches, batches, strict=True):
                own_x.copy_(x)
                own_y.copy_(y)
            torch._foreach_copy_(_values(found.hyper), _values(hyper))
            found.step.fill_(state.step)
            found.noise.fill(noise)
        found.replay()
        state.step += 1
        return _copied(found.output)

    def _record(
        self, state: TrainState, batches: Sequence[Batch], hyper: Hyper, due: Sequence[str], noise: Noise
    ) -> _Recording:
        own = [(x.clone(), y.clone()) for x, y in batches]
        own_hyper = Hyper(*(value.clone() for value in _values(hyper)))
        step = torch.tensor(float(state.step), dtype=torch.float64, device=own_hyper.lr.device)
        listed, outputs = Listed(noise), list[Output]()

        def work(drawn: Noise) -> Output:
            counted = replace(state, step=cast(Any, step))  # the same tensors, but the number of updates is one too
            return self._step(counted, own, own_hyper, due, drawn)

        slots = (value for slot in state.slots.values() for value in slot)
        with kept([*state.params.values(), *state.buffers.values(), *slots]):
            self._graphs.warm_up(lambda: work(listed))
            drawn = Drawn(listed)
            for _ in range(WARM_UPS - 1):
                drawn.rewind()
                self._graphs.warm_up(lambda: work(drawn))

            def recorded() -> None:
                drawn.rewind()
                outputs.append(work(drawn))

            replay = self._graphs.record(recorded)
        return _Recording(own, own_hyper, step, drawn, outputs[0], replay)


def _values(hyper: Hyper) -> list[Tensor]:
    return [getattr(hyper, one.name) for one in fields(hyper)]


def _copied(output: Output) -> Output:
    def copy(value: Tensor | None) -> Tensor | None:
        return None if value is None else value.clone()

    return Output(output.loss_R.clone(), copy(output.accuracy_R), copy(output.grad_norm_R))
