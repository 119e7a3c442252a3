"""A launch of a sweep: packs the waiting runs, has them trained, and waits for those that others train."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from time import sleep
from typing import Any

import torch

from bnlab.config import build
from bnlab.config.identity import axes
from bnlab.errors import BadInput
from bnlab.runs.lock_holder import lock_holder
from bnlab.runs.presence import present
from bnlab.runs.schema import FINISHED
from bnlab.sweeps.display.console import SweepConsole
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import START, Choice, Machine, asked, choose, gain
from bnlab.sweeps.packing.grouping import Grouping
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.planning.forecast import Forecast
from bnlab.sweeps.running.executors.base import Executor
from bnlab.sweeps.running.executors.in_process import InProcess
from bnlab.sweeps.running.executors.processes import Processes
from bnlab.sweeps.running.runner import Runner

POLL = 1.0  # seconds between checks of runs that another launch trains


class Launch:
    """Listener of the executor that it chooses, with a record of the unfinished jobs.

    Args:
        jobs: of the sweep, including finished ones.
        waiting: jobs to train.
        ended: called with each job when it ends, its run.json and its pack.
        skipped: called with each folder in which a run cannot be trained, and the reason.
    """

    def __init__(
        self, jobs: Sequence[Job], waiting: Sequence[Job], view: SweepConsole,
        ended: Callable[[Job, dict[str, Any], str], None], skipped: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._known: dict[Path, dict[str, Job]] = {}
        for job in jobs:
            self._known.setdefault(job.study, {})[job.run_id] = job
        self._left = {str(job.folder): job for job in waiting}
        self._view, self._tell, self._skip = view, ended, skipped
        self._config = waiting[0].config
        self._runner = Runner()
        self._runner.builder.progress = self.note
        self._failed = False
        self._said: set[str] = set()

    def run(self) -> None:
        """Train until no job is left or, with sweep.fail_fast, until the first failure.

        Raises:
            BadInput: the data or the device cannot be used.
            OSError: nothing more can be written.
        """
        waiting = list(self._left.values())
        for job in waiting:
            build.device(job.config)
        machine = machine_for(self._config.run["device"])
        choice = choose(waiting, machine, self._runner.builder.size, lambda: self._seconds(waiting))
        if len(waiting) > 1 and self._config.run["launcher"] == "auto":
            self._view.note(choice.why)
        options = {**asked(waiting[0]), "threads": self._config.run["threads"]}
        grouping = Grouping(choice.together, lambda job: self._threads(choice, job), options)
        executor = executor_for(choice, machine, self._runner)
        with ExitStack() as at_work:
            for study in self._known:
                at_work.enter_context(present(study, max(1, choice.workers)))
            self._train(executor, grouping)

    def _train(self, executor: Executor, grouping: Grouping) -> None:
        while self._left and not self.stopped():
            packs = [pack for pack in self._form(grouping) if not any(lock_holder(job.folder) for job in pack.jobs)]
            if packs:
                executor.run(packs, self)
            else:
                self.note(f"{len(self._left)} left, being trained by other processes: waiting for them")
                sleep(POLL)
            self._settle()
        self._runner.close()

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        self._view.progress(step, total, loss, accuracy, pack, runs)

    def note(self, line: str) -> None:
        if line not in self._said:  # a line about many packs is printed once
            self._said.add(line)
            self._view.note(line)

    def skipped(self, folder: str, reason: str) -> None:
        if self._left.pop(folder, None) is not None:
            self._skip(folder, reason)

    def ended(self, folder: str, pack: str) -> None:
        if (job := self._left.pop(folder, None)) is not None:
            info = job.read()
            self._failed = self._failed or info["status"] == "failed"
            self._tell(job, info, pack)

    def stopped(self) -> bool:
        return self._failed and bool(self._config.sweep["fail_fast"])

    def _form(self, grouping: Grouping) -> list[Pack]:
        packs = []
        for study, known in self._known.items():
            waiting = [job for job in self._left.values() if job.study == study]
            packs += Packs(study).form(waiting, known, grouping, self.note)
        return packs

    def _settle(self) -> None:
        """Record the runs that another launch has ended."""
        over = FINISHED if self._config.sweep["retry"] == "failed" else (*FINISHED, "failed")
        for folder, job in list(self._left.items()):
            info = job.info()
            if info is not None and info["status"] in over:
                self.ended(folder, "")

    def _seconds(self, waiting: Sequence[Job]) -> float | None:
        """Return the time of the jobs one after another, from earlier runs or a few updates; None if unknown."""
        forecasts = {study: Forecast(study) for study in self._known}
        costs = [forecasts[job.study].cost(axes(job.config)) for job in waiting]
        known = [
            cost.seconds * (gain(self._runner.builder.size(job)) if cost.packed else 1.0)
            for job, cost in zip(waiting, costs, strict=True)
            if cost is not None
        ]
        return sum(known) if len(known) == len(costs) else self._runner.builder.seconds(waiting)

    def _threads(self, choice: Choice, job: Job) -> int:
        if choice.workers:
            return job.config.run["threads"] or 1
        return self._runner.builder.threads(job, choice.together(job))


def executor_for(choice: Choice, machine: Machine, runner: Runner) -> Executor:
    """Return the executor that a choice asks for.

    Raises:
        BadInput: worker processes cannot be started.
    """
    if not choice.workers:
        return InProcess(runner)
    try:
        gettempdir()
    except FileNotFoundError:
        raise BadInput("no temporary folder is writable: set TMPDIR to one, or launcher=serial") from None
    return Processes(choice.workers, machine.gpus, runner)


def machine_for(device: str) -> Machine:
    """Return the hardware that is available to this process, for runs with such an option `device`."""
    from joblib.externals.loky import cpu_count  # respects the limits of a container

    if device != "cpu" and torch.cuda.is_available():
        return Machine("cuda", cpu_count(), torch.cuda.device_count(), torch.cuda.mem_get_info()[1], START)
    return Machine("cpu", cpu_count(), 0, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"), START)
