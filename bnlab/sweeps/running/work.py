"""A worker's part of a study: packs that wait, one at a time, then those that a dead process has left."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import sleep

from bnlab.config import build
from bnlab.errors import BadInput
from bnlab.runs.index import Index
from bnlab.runs.info import read_info
from bnlab.runs.lock_holder import lock_holder
from bnlab.runs.packing import Record, has_begun, read_packing
from bnlab.runs.presence import at_work, present
from bnlab.runs.schema import FINISHED
from bnlab.runs.status import ENDED, Run, Study
from bnlab.sweeps.display.console import SweepConsole
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import asked, choose, limit_of
from bnlab.sweeps.packing.grouping import Grouping
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.packing.pool import Pool, Terms
from bnlab.sweeps.running.executors.base import Executor
from bnlab.sweeps.running.launch import POLL, executor_for, machine_for
from bnlab.sweeps.running.runner import Runner
from bnlab.sweeps.sweep import Summary

SAMPLE = 8  # kinds of runs by which a worker chooses how to train; it composes others only to train them
LABELLED = 64  # runs of which common overrides are left out of the lines about runs


class Work:
    """Listener of the executor that trains a worker's part.

    Args:
        commands: the command of each run, by its id, that this worker may train.
        make: returns the job of a run and its command; raises BadInput if it is another run here.
        is_mine: returns whether the worker trains runs with such a command, of those that others add meanwhile.
        retry: whether to train failed runs again.
        summary: receives how the runs of this worker ended.
    """

    def __init__(
        self, study: Study, commands: Mapping[str, str], make: Callable[[str, str], Job],
        is_mine: Callable[[str], bool], view: SweepConsole, summary: Summary, *, retry: bool,
    ) -> None:  # fmt: skip
        self._study, self._commands, self._make = study, dict(commands), make
        self._view, self._summary = view, summary
        self._over = FINISHED if retry else ENDED
        self._pool = Pool(study.path, is_mine)
        self._index = Index(study.path)
        self._runner = Runner()
        self._runner.builder.progress = self.note
        words = [set(shlex.split(command)) for command in islice(commands.values(), LABELLED)]
        self._shared = set[str]() if len(words) == 1 else set.intersection(*words)
        self._labels: dict[str, str] = {}
        self._kinds: dict[str, Job] = {}
        self._refusal: BadInput | None = None
        self._fail_fast, self._stops = False, False
        self._said: set[str] = set()

    def run(self) -> None:
        """Train until all runs have ended or, with sweep.fail_fast, until the first failure.

        Raises:
            BadInput: the data or the device cannot be used, or a run would be another one here.
            OSError: nothing more can be written.
        """
        sample = self._sample()
        if not sample:
            return
        jobs = [job for job, number in sample for _ in range(number)]
        for job, _ in sample:
            build.device(job.config)
        config = jobs[0].config
        self._fail_fast = bool(config.sweep["fail_fast"])
        machine, builder = machine_for(config.run["device"]), self._runner.builder
        choice = choose(jobs, machine, builder.size, lambda: builder.seconds(jobs))
        if len(jobs) > 1 and config.run["launcher"] == "auto":
            self._view.note(choice.why)
        options = {**asked(jobs[0]), "threads": config.run["threads"]}
        slots = max(1, choice.workers)

        def most(job: Job) -> int:
            return limit_of(job, machine, builder.size)[0]

        def threads(job: Job, together: int) -> int:
            return (job.config.run["threads"] or 1) if choice.workers else builder.threads(job, together)

        terms = Terms(
            slots, lambda one: most(self._like(one)), lambda one, size: threads(self._like(one), size), options
        )
        grouping = Grouping(most, lambda job: threads(job, most(job)), options)
        executor = executor_for(choice, machine, self._runner)
        try:
            with present(self._study.path, slots):
                self._train(executor, terms, grouping)
        finally:
            self._runner.close()
            if not at_work(self._study.path):  # the last one to leave writes the index in order
                self._index.close()

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        self._view.progress(step, total, loss, accuracy, pack, runs)

    def note(self, line: str) -> None:
        if line not in self._said:  # a line about many packs is printed once
            self._said.add(line)
            self._view.note(line)

    def skipped(self, folder: str, reason: str) -> None:
        self._summary.skipped[folder] = reason

    def ended(self, folder: str, pack: str) -> None:
        if not pack:  # another process has trained it
            return
        info = self._summary.infos[folder] = read_info(Path(folder))
        self._stops = self._stops or (self._fail_fast and info["status"] == "failed")
        self._index.add(info)
        run_id = Path(folder).name
        self._commands.pop(run_id, None)
        self._view.finished(self._labels.get(run_id, run_id), info, pack)

    def stopped(self) -> bool:
        return self._stops

    def _train(self, executor: Executor, terms: Terms, grouping: Grouping) -> None:
        while not self.stopped():
            before = len(self._summary.infos)
            executor.run(self._waiting(terms), self)
            if self._refusal is not None:
                raise self._refusal
            left = self._left()
            if not left:
                return
            packs = self._begun({run.folder.name: run for run in left if run.state != "running"}, grouping)
            if packs:
                executor.run(packs, self)
            if len(self._summary.infos) == before:
                if not packs:
                    self.note(f"{len(left)} left, being trained by other processes: waiting for them")
                sleep(POLL)

    def _sample(self) -> list[tuple[Job, int]]:
        """Return a job of each of a few kinds of waiting runs, and their number; if none wait, of unfinished ones."""
        records = self._pool.waiting()
        if not records:
            left = [run.folder.name for run in self._left()]
            return [(self._job(run_id, self._commands[run_id]), 1) for run_id in left[:SAMPLE]]
        first, numbers = dict[str, Record](), Counter[str]()
        for record in records:
            first.setdefault(record.kind, record)
            numbers[record.kind] += len(record.runs)
        return [(self._like(first[kind]), number) for kind, number in numbers.most_common(SAMPLE)]

    def _waiting(self, terms: Terms) -> Iterator[Pack]:
        """Yield packs that wait; stop at the first that cannot be trained here, after which those that train end."""
        try:
            while (record := self._pool.take(terms)) is not None:
                yield self._pack(record)
        except BadInput as refusal:
            self._refusal = refusal

    def _left(self) -> list[Run]:
        left = self._study.unfinished(self._commands, self._over)
        return [run for run in left if str(run.folder) not in self._summary.skipped]

    def _begun(self, free: Mapping[str, Run], grouping: Grouping) -> list[Pack]:
        """Return the packs of unfinished runs that no process trains, of those that have begun.

        Waiting ones are offered to the pool again: another process had locked some of their runs.
        """
        if not free:
            return []
        study, packs, odd, known = self._study.path, list[Pack](), list[Job](), dict[str, Job]()
        self._pool.offer_again()
        records = [one for one in read_packing(study).packs if not free.keys().isdisjoint(one.runs)]
        listed = {run_id for one in records for run_id in one.runs}
        for record in records:
            is_usable = not any(str(study / run_id) in self._summary.skipped for run_id in record.runs)
            if is_usable and not has_begun(study, record.runs):
                continue
            pack = self._pack(record)
            known |= {job.run_id: job for job in pack.jobs}
            mine = [job for job in pack.jobs if job.run_id in free]
            is_resumed = all(job in mine or job.finished() for job in pack.jobs)
            if is_resumed and all(free[job.run_id].state != "failed" for job in mine):
                packs.append(pack)
            else:
                odd += mine
        for run_id in free.keys() - listed:
            if has_begun(study, [run_id]):
                odd.append(self._job(run_id, self._commands[run_id]))
            else:  # it was dropped from packs.json
                del self._commands[run_id]
        if odd:
            packs += Packs(study).form(odd, known | {job.run_id: job for job in odd}, grouping, self.note)
        return [pack for pack in packs if not any(lock_holder(job.folder) for job in pack.jobs)]

    def _pack(self, record: Record) -> Pack:
        return Pack(tuple(self._job(*run) for run in record.runs.items()), record.threads)

    def _like(self, record: Record) -> Job:
        """Return a job that could be trained together with those of a record."""
        if record.kind not in self._kinds:
            self._kinds[record.kind] = self._job(*next(iter(record.runs.items())))
        return self._kinds[record.kind]

    def _job(self, run_id: str, command: str) -> Job:
        job = self._make(run_id, command)
        self._labels[run_id] = " ".join(word for word in shlex.split(command)[2:] if word not in self._shared)
        return job
