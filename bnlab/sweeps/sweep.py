"""A sweep: many jobs, each trained once, even if others fail."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnlab.config.compose import Composer
from bnlab.config.words import shown
from bnlab.errors import BadInput
from bnlab.runs.index import Index, rebuild
from bnlab.runs.schema import FINISHED
from bnlab.sweeps import rerun
from bnlab.sweeps.display.console import SweepConsole, labels, warn
from bnlab.sweeps.job import Job, Jobs
from bnlab.sweeps.packing.laying import lay_out
from bnlab.sweeps.packing.packs import Packs
from bnlab.terminal import Console


@dataclass
class Summary:
    """Result of a sweep: the content of each run's run.json, by folder, and the studies it wrote to.

    Attributes:
        skipped: folders in which a run cannot be trained, each with the reason.
    """

    infos: dict[str, dict[str, Any]] = field(default_factory=dict)
    studies: list[Path] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Runs that ended with an error."""
        return [info for info in self.infos.values() if info["status"] == "failed"]

    @property
    def status(self) -> int:
        """Exit status: 1 if a run has failed or could not be trained, else 0."""
        return 1 if self.failed or self.skipped else 0


def prepare(
    composer: Composer, jobs: Jobs, overrides: Sequence[Sequence[str]], console: Console
) -> dict[str, tuple[Job, str]]:
    """Return the distinct jobs of a batch by folder, in order, each with a label; all are checked before training.

    Args:
        console: shows the progress, in a terminal.

    Raises:
        BadInput: an option of a job is wrong.
    """
    lists = [list(one) for one in overrides]
    distinct: dict[str, tuple[Job, str]] = {}
    with console.status("") as status:
        for n, (one, label) in enumerate(zip(lists, labels([list(map(shown, one)) for one in lists]), strict=True)):
            if n % 100 == 0:
                status.update(f"{n:,} of {len(lists):,} runs checked")
            job = jobs.job(composer.compose(one), one)
            first, _ = distinct.setdefault(str(job.folder), (job, label))
            if first.diagnostics != job.diagnostics:
                raise BadInput(
                    "runs that differ only in their diagnostics are one run: ask for diagnostics=[one,other]"
                )
    return distinct


def run_sweep(
    jobs: Mapping[str, tuple[Job, str]], requested: int, console: Console, command: str | None = None
) -> Summary:
    """Train every waiting job; a failed or refused one does not stop the others.

    Args:
        command: the user's command, from which the one that trains failed runs again is made.

    Raises:
        BadInput: the data, the device, or the folders of all waiting runs cannot be used.
        OSError: nothing more can be written.
    """
    for job in {job.study: job for job, _ in jobs.values()}.values():
        job.make_study()
    config = next(iter(jobs.values()))[0].config
    if config.run["rerun"] and config.sweep["retry"] == "failed":
        raise BadInput("rerun=true trains all runs again, sweep.retry=failed only failed ones: leave one out")
    if config.run["rerun"] and (launcher := config.run["launcher"]) in ("none", "slurm"):
        raise BadInput(
            f"launcher={launcher} lays out waiting runs, and rerun=true trains finished ones again: leave one out"
        )
    summary = Summary(studies=sorted({job.study for job, _ in jobs.values()}))
    for study in summary.studies:
        Packs(study).tidy()
    _begin_rerun([job for job, _ in jobs.values() if job.config.run["rerun"] and job.obstacle() is None])
    for folder, (job, _) in jobs.items():
        if (info := job.info()) is not None:
            summary.infos[folder] = info
    waiting = []
    for folder, (job, _) in jobs.items():
        if waits(job, summary.infos.get(folder)):
            if (obstacle := job.obstacle()) is not None:
                summary.skipped[folder] = obstacle
            else:
                waiting.append(job)
    if summary.skipped and not waiting:
        first, *others = summary.skipped.values()
        raise BadInput(first + (f" (and {len(others)} more runs)" if others else ""))
    _announce(jobs, waiting, summary, requested, console)
    warn(console, waiting)
    if waiting and config.run["launcher"] == "none":
        _lay_out(jobs, waiting, console)
        return summary
    if waiting and config.run["launcher"] == "slurm":
        with SweepConsole(console, len(waiting)) as view:
            _submit(jobs, waiting, summary, view)
        if not config.sweep["wait"]:
            watch = shlex.join(["bnlab", "status", str(waiting[0].study), "--watch"])
            console.print(f"not waiting for them: {watch} shows their progress", soft_wrap=True)
            return summary
    elif waiting:
        with SweepConsole(console, len(waiting)) as view:
            _train(jobs, waiting, summary, view)
    if not waiting or config.run["launcher"] == "slurm":
        for study in summary.studies:
            rebuild(study)  # a kill at the very end leaves an index without the last runs
    for study in summary.studies:
        rerun.end(study)
    conclude(summary, console, command)
    return summary


def _lay_out(jobs: Mapping[str, tuple[Job, str]], waiting: Sequence[Job], console: Console) -> None:
    for study in sorted({job.study for job in waiting}):
        mine = [job for job in waiting if job.study == study]
        lay_out(study, mine, [job for job, _ in jobs.values()], console.print)
        command = shlex.join(["bnlab", "worker", str(study)])
        console.print(
            f"{len(mine)} laid out: {command} trains them, on any machine that sees the folder", soft_wrap=True
        )


def _begin_rerun(jobs: Iterable[Job]) -> None:
    by_study: dict[Path, list[str]] = {}
    for job in jobs:
        by_study.setdefault(job.study, []).append(job.run_id)
    for study, run_ids in by_study.items():
        rerun.begin(study, run_ids)


def waits(job: Job, info: Mapping[str, Any] | None) -> bool:
    """Return whether the sweep should train a job: a finished one never, a failed one only with sweep.retry=failed."""
    status = "none" if info is None else info["status"]
    if job.config.sweep["retry"] == "failed":
        return status in ("failed", "running")  # an interrupted retry is no longer failed
    return status not in (*FINISHED, "failed")


def _train(jobs: Mapping[str, tuple[Job, str]], waiting: Sequence[Job], summary: Summary, view: SweepConsole) -> None:
    from bnlab.sweeps.running.launch import Launch  # torch

    indices = {study: Index(study) for study in summary.studies}

    def ended(job: Job, info: dict[str, Any], pack: str) -> None:
        summary.infos[str(job.folder)] = info
        indices[job.study].add(info)
        label = jobs[str(job.folder)][1]
        view.finished(label if pack else f"{label} (by another launch)".strip(), info, pack)

    try:
        Launch([job for job, _ in jobs.values()], waiting, view, ended, summary.skipped.__setitem__).run()
    finally:
        for index in indices.values():
            index.close()


def _submit(jobs: Mapping[str, tuple[Job, str]], waiting: Sequence[Job], summary: Summary, view: SweepConsole) -> None:
    """Submit workers to Slurm and, unless sweep.wait=false, wait for the runs."""
    from bnlab.sweeps.cluster.launch import Array

    def ended(job: Job, info: dict[str, Any]) -> None:
        summary.infos[str(job.folder)] = info
        view.finished(jobs[str(job.folder)][1], info, job.run_id)

    array = Array(jobs, waiting, view, ended, summary.skipped.__setitem__)
    array.submit()
    if waiting[0].config.sweep["wait"]:
        array.wait()


def _announce(
    jobs: Mapping[str, tuple[Job, str]], waiting: Sequence[Job], summary: Summary, requested: int, console: Console
) -> None:
    left = {str(job.folder) for job in waiting}
    count = Counter(info["status"] for folder, info in summary.infos.items() if folder not in left)
    done = sum(count[status] for status in FINISHED)
    others = len(jobs) - len(waiting) - len(summary.skipped)
    words = [f"{len(waiting)} to train", f"{done} done already"]
    if count["failed"]:
        words.append(f"{count['failed']} failed before and skipped (sweep.retry=failed trains them again)")
    if others > done + count["failed"]:
        words.append(f"{others - done - count['failed']} skipped because they have not failed (sweep.retry=failed)")
    if summary.skipped:
        words.append(f"{len(summary.skipped)} skipped because their folders cannot be used")
    if requested > len(jobs):
        words.append(f"{requested - len(jobs)} the same as another")
    console.print(f"{requested} {'run' if requested == 1 else 'runs'}: {', '.join(words)}", soft_wrap=True)
    if line := lacking([(job, summary.infos.get(folder)) for folder, (job, _) in jobs.items() if folder not in left]):
        console.print(line, style="yellow", soft_wrap=True)


def lacking(done: Iterable[tuple[Job, Mapping[str, Any] | None]]) -> str:
    """Return a line on the finished runs that lack requested diagnostics; "" if there are none."""
    found = [names for job, info in done if info is not None and info["status"] in FINISHED
             if (names := job.lacking(info))]  # fmt: skip
    names = sorted({name for lacked in found for name in lacked})
    what = f"{', '.join(names[:4])}{' …' if len(names) > 4 else ''}"
    return f"{len(found)} of those done lack {what} at these moments: rerun=true trains them again" if found else ""


def conclude(summary: Summary, console: Console, command: str | None) -> None:
    """Print how many runs ended how, which failed or were skipped, and the command that trains failed ones again."""
    count = Counter(info["status"] for info in summary.infos.values())
    console.print(", ".join(f"{n} {status}" for status, n in sorted(count.items())))
    for reason in summary.skipped.values():
        console.print(f"skipped: {reason}", style="red", soft_wrap=True)
    for info in summary.failed:
        console.print(f"failed: {info['run_id']}: {info['cause']}", style="red", soft_wrap=True)
        console.print(f"  {info['command']}", soft_wrap=True)
    if summary.failed and command is not None:
        again = [word for word in shlex.split(command) if not word.startswith(("sweep.retry=", "rerun="))]
        line = f"train them again: {shlex.join([*again, 'sweep.retry=failed'])}"
        console.print(line, soft_wrap=True)
