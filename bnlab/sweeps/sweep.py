"""A sweep: many jobs, each trained once, whatever happens to the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bnlab.config.compose import Composer
from bnlab.errors import Refused
from bnlab.runs.index import scan, write_index
from bnlab.runs.lock import Busy
from bnlab.sweeps.console import SweepConsole, labels, warn
from bnlab.sweeps.job import Job, Jobs


@dataclass
class Summary:
    """How a sweep ended: what run.json of each of its runs says, and the studies it wrote to."""

    infos: dict[str, dict[str, Any]] = field(default_factory=dict)
    studies: list[Path] = field(default_factory=list)

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The runs that a fault ended."""
        return [info for info in self.infos.values() if info["status"] == "failed"]


def prepare(composer: Composer, jobs: Jobs, overrides: Sequence[Sequence[str]]) -> dict[str, tuple[Job, str]]:
    """The distinct jobs of a batch with a label each, in order, by folder. All are checked before any is trained.

    Raises:
        BadInput: an option of one of them is wrong.
    """
    lists = [list(one) for one in overrides]
    distinct: dict[str, tuple[Job, str]] = {}
    for one, label in zip(lists, labels(lists), strict=True):
        job = jobs.job(composer.compose(one), one)
        distinct.setdefault(str(job.folder), (job, label))
    return distinct


def run_sweep(jobs: dict[str, tuple[Job, str]], requested: int, console: Console) -> Summary:
    """Train every job that is not finished; a failed or refused one does not stop the others.

    Raises:
        BadInput: the data or the device cannot be used.
    """
    from bnlab.config import build
    from bnlab.sweeps.runner import Runner

    for job, _ in jobs.values():
        build.device(job.config)
    for job in {job.study: job for job, _ in jobs.values()}.values():
        job.make_study()
    summary = Summary(studies=sorted({job.study for job, _ in jobs.values()}))
    waiting = [(job, label) for job, label in jobs.values() if not job.finished()]
    for job, _ in jobs.values():
        if (info := job.info()) is not None:
            summary.infos[str(job.folder)] = info
    done, twice = len(jobs) - len(waiting), requested - len(jobs)
    console.print(
        f"{requested} runs: {len(waiting)} to train, {done} done already"
        + (f", {twice} the same as another" if twice else ""),
        highlight=False,
    )
    warn(console, (job for job, _ in waiting))
    index = Index(summary.studies)
    runner = Runner()
    with SweepConsole(console, len(waiting)) as view:
        for job, label in waiting:
            try:
                info = runner.run(job, view.progress, view.note)
            except Refused as reason:
                info = runner.refuse(job, reason)
            except Busy as reason:
                view.note(f"left alone: {reason}")
                continue
            summary.infos[str(job.folder)] = info
            index.add(job.study, info)
            view.finished(label, info)
    _say(summary, console)
    return summary


class Index:
    """Keeps index.csv of the studies as runs end."""

    def __init__(self, studies: Sequence[Path]) -> None:
        self._infos = {study: {info["run_id"]: info for info in scan(study)[0]} for study in studies}

    def add(self, study: Path, info: dict[str, Any]) -> None:
        """Write the index anew with this run."""
        self._infos[study][info["run_id"]] = info
        write_index(study, list(self._infos[study].values()))


def _say(summary: Summary, console: Console) -> None:
    count = Counter(info["status"] for info in summary.infos.values())
    console.print(", ".join(f"{n} {status}" for status, n in sorted(count.items())), highlight=False)
    for info in summary.failed:
        console.print(f"failed: {info['run_id']}: {info['cause']}", style="red", markup=False, soft_wrap=True)
        console.print(f"  {info['command']}", markup=False, highlight=False, soft_wrap=True)
    for study in summary.studies:
        console.print(f"report: bnlab report {study}", highlight=False, soft_wrap=True)
