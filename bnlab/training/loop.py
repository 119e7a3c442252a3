"""The loop: one for every executor, one run or R replicas."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from statistics import median
from time import monotonic
from typing import Any

import torch

from bnlab.data.tensors import TensorData
from bnlab.diagnostics.base import Diagnostic
from bnlab.interrupt import Interrupt, deferred
from bnlab.noise import Noise
from bnlab.optim.hyper import Hyper
from bnlab.optim.schedules.base import Schedule, warm
from bnlab.training.divergence import Divergence
from bnlab.training.evaluator import Evaluation, Evaluator
from bnlab.training.executors.base import Executor
from bnlab.training.journal import Entry, Journal
from bnlab.training.memory import peak, watch_peak
from bnlab.training.passes import Batch
from bnlab.training.recorder import Recorder
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics, freeze
from bnlab.training.step import METRICS, Step

DEFAULT = Statistics()
FORWARD = 1 / 3  # of an update: the way back takes two products for one


@dataclass(frozen=True)
class Replica:
    """What makes one run of a pack its own."""

    seed: int
    lr: float
    momentum: float
    weight_decay: float
    schedule: Schedule
    recorder: Recorder


@dataclass(frozen=True)
class Length:
    """How long to train, and how often to look.

    Attributes:
        updates: updates in all.
        per_epoch: updates in one pass over the training split.
        warmup: share of all updates over which the rate rises from 0.
        log_every: updates between rows of steps.csv.
        checkpoint_seconds: time between checkpoints; one is always kept at the end.
    """

    updates: int
    per_epoch: int
    batch_size: int
    accumulate: int
    warmup: float
    log_every: int
    checkpoint_seconds: float


@dataclass
class Outcome:
    """How one run ended.

    Attributes:
        diverged_at: the step at which it diverged, or null.
        metrics: the final ones, by `runs.schema.METRICS`.
        seconds: since it began.
        cost: of `runs.schema.COSTS` what a loop knows, of all replicas together.
    """

    diverged_at: int | None = None
    metrics: dict[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    cost: dict[str, float | None] = field(default_factory=dict)


class Loop:
    """Trains the replicas of one executor to the end, from wherever their state stands."""

    def __init__(
        self, executor: Executor, step: Step, data: TensorData, diagnostics: Mapping[str, Diagnostic],
        when: Mapping[str, Sequence[str | int]], replicas: Sequence[Replica], length: Length, state: TrainState,
        statistics: Statistics = DEFAULT, resumed: Sequence[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self._executor, self._step, self._data, self._statistics = executor, step, data, statistics
        self._when, self._replicas, self._length, self._state = when, replicas, length, state
        self._seeds = [r.seed for r in replicas]
        leaf = next(iter(state.params.values()))
        self._device, self._dtype = leaf.device, leaf.dtype
        divergence = [Divergence() for _ in replicas]
        self._outcomes = [Outcome() for _ in replicas]
        self._elapsed_before = 0.0
        self._training_seconds = 0.0
        # Killed after the last row, before the status was written.
        self._finished = resumed is not None and all(payload["finished"] for payload in resumed)
        for r, payload in enumerate(resumed or ()):
            divergence[r] = Divergence(**payload["divergence"])
            replicas[r].schedule.state.update(payload["schedule"])
            self._outcomes[r].metrics.update(payload["metrics"])
            self._elapsed_before = max(self._elapsed_before, payload["seconds"])
            self._training_seconds = max(self._training_seconds, payload["training_seconds"])
        self._journal = Journal([r.recorder for r in replicas], divergence, diagnostics)
        # Made without this loop: in a cycle, a run's tensors would outlive it until Python looks for cycles.
        self._noise = partial(_noise, self._seeds, state, self._device)
        self._evaluator = Evaluator(executor, state, data, statistics, length.batch_size, self._noise)
        self._order: tuple[int, torch.Tensor] | None = None
        self._hyper: tuple[list[float], Hyper] | None = None
        self._start = monotonic()

    def run(self) -> list[Outcome]:
        """Train; what happens is told to the recorders as it happens.

        Raises:
            KeyboardInterrupt: after a checkpoint.
        """
        watch_peak(self._device)
        with deferred() as interrupt:
            self._train(interrupt)
        state, length, journal = self._state, self._length, self._journal
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
        length, state, journal = self._length, self._state, self._journal
        saved = monotonic()
        self._executor.train(True)
        while journal.alive and not self._finished:
            if state.step == length.updates:
                self._measure(update=False)
                journal.flush()
                if journal.alive:
                    self._record(self._evaluator.last())
                break
            if state.step == self._statistics.freeze_from:
                freeze(self._executor.model, state, self._statistics.freeze)
            self._measure()
            if state.step % length.per_epoch == 0 and state.step < length.updates:
                journal.flush()
                self._record(self._evaluator.epoch())
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
        examples = self._examples(step) * len(self._replicas)
        return {
            "update_seconds": pace,
            "examples_per_second": examples / self._training_seconds if pace else None,
            "peak_bytes": peak(self._device),
        }

    def rehearse(self, due: Sequence[str] = ()) -> None:
        """Pass the next batches forward and back without a trace: raises what vmap or memory do not allow.

        Args:
            due: diagnostics that look at them.
        """
        state = self._state
        if state.step < self._length.updates:
            hyper = self._hypers(self._rates(state.step))
            self._step(state, self._batches(state.step), hyper, due, self._noise(), update=False)

    def forecast(self, tries: int) -> float:
        """About the seconds that `run` will take, by so many updates and one look of all diagnostics.

        Raises:
            Exception: what vmap or memory do not allow.
        """
        length, names = self._length, list(self._when)
        self.rehearse()  # the first one is dearer
        update = median(_seconds(self.rehearse) for _ in range(tries))
        look = max(0.0, _seconds(lambda: self.rehearse([*names, METRICS])) - update)
        steps = range(length.updates + 1)
        looks = sum(self._is_due(moments, step) for moments in self._when.values() for step in steps)
        passed = self._evaluator.examples((length.updates - 1) // length.per_epoch)
        passes = passed * length.per_epoch / self._examples(length.per_epoch) * FORWARD
        return (length.updates + passes) * update + look * looks / max(1, len(names))

    def _measure(self, update: bool = True) -> None:
        """Measure at the state's step, and then update."""
        begun = monotonic()
        state, length = self._state, self._length
        step = state.step
        logged = step % length.log_every == 0 or step == length.updates
        due = [name for name, moments in self._when.items() if self._is_due(moments, step)]
        if logged:
            due.append(METRICS)
        lr_R = self._rates(step)
        output = self._step(state, self._batches(step), self._hypers(lr_R), due, self._noise(), update=update)
        entry = Entry(step, step / length.per_epoch, self._examples(step), lr_R, self._seconds(), logged, output)
        if self._journal.add(entry):
            self._journal.flush()
            self._tell()
        if update:
            self._training_seconds += monotonic() - begun

    def _is_due(self, moments: Sequence[str | int], step: int) -> bool:
        return any(
            (moment == "init" and step == 0)
            or (moment == "last" and step == self._length.updates)
            or (moment == "epoch" and step > 0 and step % self._length.per_epoch == 0)
            or (moment == "log" and step > 0 and step & (step - 1) == 0)
            or (isinstance(moment, int) and step % moment == 0)
            for moment in moments
        )

    def _batches(self, step: int) -> list[Batch]:
        size, group = self._length.batch_size, self._length.accumulate
        epoch, index = divmod(step, self._length.per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, self._executor.stack([self._data.order(seed, epoch) for seed in self._seeds]))
        batches = []
        for i in range(index * group, (index + 1) * group):
            x, y = self._data.batch(self._order[1][..., i * size : (i + 1) * size])
            batches.append((self._data.augmented(x, self._seeds, epoch * self._data.batches_per_epoch + i), y))
        return batches

    def _examples(self, step: int) -> int:
        """Training examples seen before this update (the last batch of an epoch may be smaller)."""
        length = self._length
        epoch, index = divmod(step, length.per_epoch)
        group = length.accumulate * length.batch_size
        return epoch * min(length.per_epoch * group, self._data.n_train) + index * group

    def _rates(self, step: int) -> list[float]:
        updates = self._length.updates
        warming = warm((step + 1) / updates, self._length.warmup)
        return [r.lr * warming * r.schedule.factor(step / updates) for r in self._replicas]

    def _hypers(self, lr_R: list[float]) -> Hyper:
        if self._hyper is None or self._hyper[0] != lr_R:

            def stacked(values: list[float]) -> torch.Tensor:
                return self._executor.stack([torch.tensor(v, dtype=self._dtype, device=self._device) for v in values])

            momentum = stacked([r.momentum for r in self._replicas])
            decay = stacked([r.weight_decay for r in self._replicas])
            self._hyper = (lr_R, Hyper(stacked(lr_R), momentum, decay))
        return self._hyper[1]

    def _record(self, evaluations: Iterable[Evaluation]) -> None:
        """Write evaluations down; those of a net as it would be used count as its metrics and reach the schedules."""
        step = self._state.step
        for found in evaluations:
            score = found.score
            for r in self._journal.alive:
                accuracy = None if score.accuracy_R is None else score.accuracy_R[r]
                row = {"step": step, "epoch": step / self._length.per_epoch, "split": found.split, "mode": found.mode,
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
            self._replicas[r].recorder.progress(self._state.step, self._length.updates, loss, accuracy)

    def _checkpoint(self, finished: bool) -> None:
        """Keep each replica's own slice, so that any executor can go on with it; a pack needs the diverged ones too."""
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


def _seconds(work: Callable[[], object]) -> float:
    begun = monotonic()
    work()
    return monotonic() - begun


def _noise(seeds: Sequence[int], state: TrainState, device: torch.device) -> Noise:
    """The noise of a pass at the state's step."""
    return Noise(seeds, state.step, device)
