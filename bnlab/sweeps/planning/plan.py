"""Plan of a sweep, made without training or writing anything, and without torch unless runs are timed."""

import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnlab.config.identity import axes
from bnlab.config.schema import FREE
from bnlab.errors import Refused
from bnlab.runs.causes import described, varying
from bnlab.runs.files import Unreadable
from bnlab.runs.info import read_info
from bnlab.runs.lock_holder import lock_holder
from bnlab.sweeps.cluster import outlook
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import START, Choice, Machine, Size, asked, choose, gain
from bnlab.sweeps.packing.grouping import Grouping, grouped
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.planning.forecast import Forecast
from bnlab.sweeps.sweep import waits

Progress = Callable[[int, int], None]
MEASURED = "measured"


@dataclass
class Group:
    """Runs that differ only in seed and rates.

    Attributes:
        name: what distinguishes them from the other groups.
        seconds: time of one run; None if unknown.
        packed: whether that is its share of a pack.
        size: bytes of one run's folder; None if unknown.
        source: source of these numbers.
        refused: why the runs cannot work, if that was checked and they cannot.
    """

    name: str
    jobs: list[Job]
    waiting: list[Job]
    seconds: float | None = None
    packed: bool = False
    size: float | None = None
    source: str = "unknown"
    refused: str | None = None


@dataclass
class Plan:
    """Plan of a sweep.

    Attributes:
        requested: number of jobs before duplicates were merged.
        states: number of runs in each state: a status of run.json, running, interrupted or new.
        causes: of the failed and refused runs, by status.
        choice: how the sweep would be executed; None if there is nothing to train.
        unsure: whether the choice may change, because it was made without times or sizes.
    """

    requested: int
    jobs: list[Job]
    states: Counter[str]
    causes: dict[str, list[str]]
    groups: list[Group]
    choice: Choice | None = None
    packs: list[Pack] = field(default_factory=list)
    unsure: bool = False

    @property
    def to_train(self) -> list[Group]:
        """Groups with runs that would be trained."""
        return [group for group in self.groups if group.waiting and group.refused is None]

    @property
    def waiting(self) -> int:
        """Number of runs that would be trained."""
        return sum(len(group.waiting) for group in self.to_train)

    @property
    def known(self) -> int:
        """Number of runs to train whose time is known."""
        return sum(len(group.waiting) for group in self.to_train if group.seconds is not None)

    @property
    def longest(self) -> float | None:
        """Time of the longest run to train, among those whose time is known; None if there are none."""
        return max((group.seconds for group in self.to_train if group.seconds is not None), default=None)

    @property
    def seconds(self) -> float:
        """Estimated time of these runs in all processes, with the start of workers; at least that of one run."""
        costs = [(group.seconds, len(group.waiting)) for group in self.to_train if group.seconds is not None]
        workers = self.choice.workers if self.choice else 0
        start = START if workers and costs else 0.0
        share = sum(each * n for each, n in costs) / max(1, workers)
        return start + max(share, self.longest or 0.0)

    @property
    def size(self) -> float | None:
        """Estimated bytes of all runs whose size is known; None if there are none."""
        sizes = [group.size * len(group.waiting) for group in self.to_train if group.size is not None]
        return sum(sizes) if sizes else None


class Meter:
    """Measurement of the time of runs and the size of their nets; the only part that needs torch."""

    def __init__(self) -> None:
        from bnlab.sweeps.running.builder import Builder

        self._shop = Builder()

    def size(self, job: Job) -> Size | None:
        """Return the size of a job's net; None if the job cannot work."""
        return self._shop.size(job)

    def seconds(self, job: Job) -> float:
        """Return the estimated time of a job as a single run.

        Raises:
            Refused: it cannot work.
            BadInput: its data cannot be used.
        """
        from bnlab.config import assembly, build

        data = self._shop.tensors(job)
        assembly.length(job.config, data)
        build.model(job.config, data)
        seconds = self._shop.seconds([job])
        assert seconds is not None
        return seconds


def plan(jobs: Sequence[Job], requested: int, meter: Meter | None = None, progress: Progress = lambda *_: None) -> Plan:
    """Return the plan of a sweep's distinct jobs.

    Args:
        requested: number of jobs before duplicates were merged.
        meter: if given, runs are timed with it.
        progress: called with the number of groups that have been timed, and of all groups.

    Raises:
        BadInput: options exclude each other, or the data cannot be used.
    """
    found = [_found(job) for job in jobs]
    states = Counter(_state(job, info) for job, info in zip(jobs, found, strict=True))
    waiting = {str(job.folder) for job, info in zip(jobs, found, strict=True) if waits(job, info)}
    result = Plan(requested, list(jobs), states, _causes(found), _groups(jobs, waiting))
    _predict(result.to_train)
    if meter is not None:
        _measure(result.to_train, meter, progress)
    _choose(result, meter)
    return result


def _predict(groups: Sequence[Group]) -> None:
    forecasts = {study: Forecast(study) for study in {group.jobs[0].study for group in groups}}
    for group in groups:
        cost = forecasts[group.jobs[0].study].cost(axes(group.jobs[0].config))
        if cost is not None:
            group.seconds, group.packed, group.size = cost.seconds, cost.packed, cost.size
            group.source = f"{cost.runs} {'' if cost.alike else 'similar '}{'run' if cost.runs == 1 else 'runs'}"


def _measure(groups: Sequence[Group], meter: Meter, progress: Progress) -> None:
    for n, group in enumerate(groups):
        progress(n, len(groups))
        try:
            group.seconds, group.packed, group.source = meter.seconds(group.jobs[0]), False, MEASURED
        except Refused as reason:
            group.refused = str(reason)


def _choose(result: Plan, meter: Meter | None) -> None:
    jobs = [job for group in result.to_train for job in group.waiting]
    if not jobs:
        return

    def seconds() -> float:
        result.unsure = result.unsure or result.known < result.waiting
        # An unknown length counts as long, so that the choice is that of a long sweep.
        if result.known < result.waiting:
            return math.inf
        return sum(alone(group) * len(group.waiting) for group in result.to_train)

    def alone(group: Group) -> float:
        assert group.seconds is not None
        return group.seconds * (gain(size(group.jobs[0])) if group.packed else 1.0)

    def size(job: Job) -> Size | None:
        result.unsure = result.unsure or meter is None
        return None if meter is None else meter.size(job)

    if jobs[0].config.run["launcher"] == "slurm":
        result.choice = outlook.choice(jobs)
    else:
        result.choice = choose(jobs, machine(jobs[0].config.run["device"]), size, seconds)
    for group in result.to_train:
        packed = result.choice.together(group.jobs[0]) > 1
        if group.seconds is not None and packed != group.packed:  # unlike the runs behind the estimate
            group.seconds = alone(group) / (gain(size(group.jobs[0])) if packed else 1.0)
            group.packed = packed
    result.packs = grouped(jobs, Grouping(result.choice.together, lambda _: 1, asked(jobs[0])))


def machine(device: str) -> Machine:
    """Return the available hardware, as far as visible without torch: a GPU by its device file."""
    from joblib.externals.loky import cpu_count

    gpus = 0 if device == "cpu" else len(list(Path("/dev").glob("nvidia[0-9]*")))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    return Machine("cuda" if gpus else "cpu", cpu_count(), gpus, memory, START)


def _found(job: Job) -> dict[str, Any] | None:
    try:
        return read_info(job.folder)
    except Unreadable:
        return None


def _state(job: Job, info: Mapping[str, Any] | None) -> str:
    if info is None or info["status"] == "running":
        held = job.folder.is_dir() and lock_holder(job.folder) is not None
        return "running" if held else "new" if info is None else "interrupted"
    return str(info["status"])


def _causes(found: Sequence[Mapping[str, Any] | None]) -> dict[str, list[str]]:
    causes: dict[str, list[str]] = {}
    for info in found:
        if info is not None and info["status"] in ("refused", "failed"):
            causes.setdefault(info["status"], []).append(str(info["cause"]))
    return causes


def _groups(jobs: Sequence[Job], waiting: set[str]) -> list[Group]:
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(f"{job.study} {job.group_key}", []).append(job)
    own = [_shared(axes(some[0].config)) for some in alike.values()]
    every = varying(own)
    return [
        Group(described([one], every), some, [job for job in some if str(job.folder) in waiting])
        for some, one in zip(alike.values(), own, strict=True)
    ]


def _shared(every: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's axes without those in which the runs of a group differ."""
    return {name: value for name, value in every.items() if name not in ("seed", *(f"optim.{key}" for key in FREE))}
