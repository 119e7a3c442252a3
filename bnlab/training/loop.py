"""The training loop, for any executor, a single run or R replicas."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import torch

from bnlab.data.tensors import TensorData
from bnlab.diagnostics.base import Diagnostic
from bnlab.interrupt import Interrupt, deferred
from bnlab.noise import Noise
from bnlab.training.batches import Batches
from bnlab.training.divergence import Divergence
from bnlab.training.evaluator import Evaluation, Evaluator
from bnlab.training.executors.base import Executor
from bnlab.training.journal import Entry, Journal
from bnlab.training.length import Length
from bnlab.training.memory import peak, watch_peak
from bnlab.training.rates import Rates, Replica
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics, freeze
from bnlab.training.step import METRICS, Step

DEFAULT = Statistics()


@dataclass
class Outcome:
    """Result of one run.

    Attributes:
        diverged_at: the step at which it diverged, or None.
        metrics: the final values of `runs.schema.METRICS`.
        seconds: time since the run began.
        cost: the part of `runs.schema.COSTS` that the loop measures, for all replicas together.
    """

    diverged_at: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    cost: dict[str, float | None] = field(default_factory=dict)


class Loop:
    """Training of the replicas of one executor to the end, starting at the step of their state.

    Attributes:
        length: how long to train, and how often to measure.
        when: the moments of each diagnostic, by name.
        n_train: the size of the training split.
    """

    def __init__(
        self, executor: Executor, step: Step, data: TensorData, diagnostics: Mapping[str, Diagnostic],
        when: Mapping[str, Sequence[str | int]], replicas: Sequence[Replica], length: Length, state: TrainState,
        statistics: Statistics = DEFAULT, resumed: Sequence[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.length, self.when, self.n_train = length, when, data.n_train
        self._executor, self._step, self._statistics = executor, step, statistics
        self._replicas, self._state = replicas, state
        leaf = next(iter(state.params.values()))
        self._device = leaf.device
        seeds = [r.seed for r in replicas]
        self._batches = Batches(data, length, seeds, executor)
        self._rates = Rates(replicas, length, executor, leaf)
        divergence = [Divergence() for _ in replicas]
        self._outcomes = [Outcome() for _ in replicas]
        self._elapsed_before = 0.0
        self._training_seconds = 0.0
        # True if the process was killed after the last row, before the status was written.
        self._finished = resumed is not None and all(payload["finished"] for payload in resumed)
        for r, payload in enumerate(resumed or ()):
            divergence[r] = Divergence(**payload["divergence"])
            replicas[r].schedule.state.update(payload["schedule"])
            self._outcomes[r].metrics.update(payload["metrics"])
            self._elapsed_before = max(self._elapsed_before, payload["seconds"])
            self._training_seconds = max(self._training_seconds, payload["training_seconds"])
        self._journal = Journal([r.recorder for r in replicas], divergence, diagnostics)
        # Does not refer to this loop: in a cycle, a run's tensors would live until the next garbage collection.
        self._noise = partial(_noise, seeds, state, self._device)
        self.evaluator = Evaluator(executor, state, data, statistics, length.batch_size, self._noise)
        self._start = monotonic()

    def run(self) -> list[Outcome]:
        """Train, passing measurements to the recorders as they are made.

        Raises:
            KeyboardInterrupt: on a signal, after a checkpoint.
        """
        watch_peak(self._device)
        with deferred() as interrupt:
            self._train(interrupt)
        state, length, journal = self._state, self.length, self._journal
        self._tell()
        self._checkpoint(finished=True)
        for r, outcome in enumerate(self._outcomes):
            outcome.diverged_at = journal.divergence[r].diverged_at
            done = state.step if outcome.diverged_at is None else outcome.diverged_at
            outcome.metrics["epochs_done"] = done / length.per_epoch
            outcome.seconds = self._seconds()
            outcome.cost = self._cost()
        return self._outcomes

    def _train(self, interrupt: Interrupt) -> None:
        length, state, journal = self.length, self._state, self._journal
        saved = monotonic()
        self._executor.train(True)
        while journal.alive and not self._finished:
            if state.step == length.updates:
                self._measure(update=False)
                journal.flush()
                if journal.alive:
                    self._record(self.evaluator.last())
                break
            if state.step == self._statistics.freeze_from:
                freeze(self._executor.model, state, self._statistics.freeze)
            self._measure()
            if state.step % length.per_epoch == 0 and state.step < length.updates:
                journal.flush()
                self._record(self.evaluator.epoch())
                self._tell()
            if interrupt.asked or monotonic() - saved >= length.checkpoint_seconds:
                journal.flush()
                self._checkpoint(finished=False)
                saved = monotonic()
            if interrupt.asked:
                interrupt.stop()

    def _cost(self) -> dict[str, float | None]:
        step = self._state.step
        pace = self._training_seconds / step if step else None
        examples = self.length.examples(step, self.n_train) * len(self._replicas)
        return {
            "update_seconds": pace,
            "examples_per_second": examples / self._training_seconds if pace else None,
            "peak_bytes": peak(self._device),
        }

    def rehearse(self, due: Sequence[str] = ()) -> None:
        """Run a forward and backward pass of the next batches without changing the state.

        Args:
            due: diagnostics to compute.

        Raises:
            Exception: vmap or the memory does not allow it.
        """
        state = self._state
        if state.step < self.length.updates:
            hyper = self._rates.hyper(state.step)
            self._step(state, self._batches.at(state.step), hyper, due, self._noise(), update=False)

    def _measure(self, update: bool = True) -> None:
        """Measure at the state's step, then update."""
        started = monotonic()
        state, length = self._state, self.length
        step = state.step
        logged = length.is_logged(step)
        due = [name for name, moments in self.when.items() if length.is_due(moments, step)]
        if logged:
            due.append(METRICS)
        lr_R = self._rates.at(step)
        batches, hyper = self._batches.at(step), self._rates.hyper(step)
        output = self._step(state, batches, hyper, due, self._noise(), update=update)
        examples = length.examples(step, self.n_train)
        entry = Entry(step, step / length.per_epoch, examples, lr_R, self._seconds(), logged, output)
        if self._journal.add(entry):
            self._journal.flush()
            self._tell()
        if update:
            self._training_seconds += monotonic() - started

    def _record(self, evaluations: Iterable[Evaluation]) -> None:
        """Record evaluations; those with running statistics also set the run's metrics and inform the schedules."""
        step = self._state.step
        for found in evaluations:
            score = found.score
            for r in self._journal.alive:
                accuracy = None if score.accuracy_R is None else score.accuracy_R[r]
                row = {"step": step, "epoch": step / self.length.per_epoch, "split": found.split, "mode": found.mode,
                       "loss": score.loss_R[r], "accuracy": accuracy, "n": score.n}  # fmt: skip
                self._replicas[r].recorder.append("evals", [row])
                if found.mode != "running":
                    continue
                metrics = {f"{found.split}_loss": score.loss_R[r], f"{found.split}_accuracy": accuracy}
                self._outcomes[r].metrics |= metrics
                if found.split == "val":
                    self._replicas[r].schedule.evaluated(score.loss_R[r])

    def _tell(self) -> None:
        for r in self._journal.alive:
            accuracy = self._outcomes[r].metrics.get("val_accuracy")
            loss = self._journal.last_loss[r]
            self._replicas[r].recorder.progress(self._state.step, self.length.updates, loss, accuracy)

    def _checkpoint(self, finished: bool) -> None:
        """Checkpoint each replica separately, for any executor to resume; a pack needs the diverged ones too."""
        for r in range(len(self._replicas)):

            def own(value: torch.Tensor, r: int = r) -> torch.Tensor:
                return self._executor.unstack(value)[r].detach().cpu().clone()

            state, replica = self._state, self._replicas[r]
            replica.recorder.checkpoint(
                {
                    "finished": finished,
                    "step": state.step,
                    "params": {name: own(p) for name, p in state.tensors.items()},
                    "buffers": {name: own(b) for name, b in state.buffers.items()},
                    "slots": {slot: [own(v) for v in values] for slot, values in state.slots.items()},
                    "schedule": dict(replica.schedule.state),
                    "divergence": asdict(self._journal.divergence[r]),
                    "metrics": dict(self._outcomes[r].metrics),
                    "seconds": self._seconds(),
                    "training_seconds": self._training_seconds,
                }
            )

    def _seconds(self) -> float:
        return self._elapsed_before + monotonic() - self._start


def _noise(seeds: Sequence[int], state: TrainState, device: torch.device) -> Noise:
    """Return the noise of a pass at the state's step."""
    return Noise(seeds, state.step, device)
