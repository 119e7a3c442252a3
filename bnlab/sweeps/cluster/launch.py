"""A launch of a sweep in Slurm: submits workers of its study and waits for the runs, which the workers train."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from bnlab.errors import BadInput
from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, make_folder
from bnlab.runs.lock import Busy, lock
from bnlab.runs.packing import read_packing
from bnlab.runs.schema import FINISHED
from bnlab.runs.shared_lock import shared_lock
from bnlab.runs.status import Look, Study
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.cluster import slurm
from bnlab.sweeps.cluster.names import FOLDER, job_name
from bnlab.sweeps.cluster.number import number
from bnlab.sweeps.cluster.options import Options
from bnlab.sweeps.cluster.script import NAME, script
from bnlab.sweeps.cluster.slurm import HOPELESS, Task
from bnlab.sweeps.cluster.state import QUERY, counted, ended
from bnlab.sweeps.cluster.trace import CANCELLED, Traces
from bnlab.sweeps.display.console import SweepConsole
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.laying import lay_out

POLL = 2.0  # seconds between looks at the study's folder
ABSENT = 2  # answers of Slurm in a row without a worker, after which there is none

Ended = Callable[[Job, dict[str, Any]], None]


def script_of(waiting: Sequence[Job]) -> str:
    """Return the script that would be submitted for waiting runs."""
    return script(waiting[0].study, Options.of(waiting[0].config), number(waiting))


class Array:
    """The workers of one study, and its runs that they train.

    Args:
        jobs: of the sweep by folder, each with a label, including finished ones.
        waiting: runs to train.
        view: shows the progress.
        ended: called with each job when it ends, and its run.json.
        skipped: called with each folder in which a run cannot be trained, and the reason.

    Raises:
        BadInput: the options exclude each other, or the runs are of several studies, or this machine has no Slurm.
    """

    def __init__(
        self, jobs: Mapping[str, tuple[Job, str]], waiting: Sequence[Job], view: SweepConsole, ended: Ended,
        skipped: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._study = waiting[0].study
        if len({job.study for job, _ in jobs.values()}) > 1:
            raise BadInput("launcher=slurm submits the workers of one study: name one, study=NAME")
        self._options = Options.of(waiting[0].config)
        self._fails_fast = bool(waiting[0].config.sweep["fail_fast"])
        slurm.require()
        self._jobs = [job for job, _ in jobs.values()]
        self._left = {job.folder: job for job in waiting}
        self._view, self._tell, self._skip = view, ended, skipped
        self._name = job_name(self._study)
        self._traces = Traces(self._study)
        self._said = ""
        self._own: set[str] = set()  # jobs that this process has submitted
        self._before: tuple[int, int] | None = None  # progress when workers were last submitted

    def submit(self) -> None:
        """Lay out the runs and submit the workers that are missing.

        Raises:
            BadInput: Slurm refuses them.
        """
        make_folder(self._study / FOLDER)
        with shared_lock(self._study / FOLDER):  # of two launches, one submits, and the other finds its workers
            tasks = slurm.queue(self._name)
            self._lay_out(keep=bool(tasks))
            missing = number(list(self._left.values())) - len(tasks or [])
            if tasks:
                self._view.note(f"attached: {'; '.join(counted(tasks))}")
            if missing > 0:
                self._submit(missing)

    def wait(self) -> None:
        """Wait until no run is left; submit new workers if runs are left and no worker is.

        Raises:
            BadInput: no worker can start, or they end without training.
        """
        try:
            self._wait()
        except KeyboardInterrupt:
            if tasks := slurm.queue(self._name):
                jobs = " ".join(sorted({task.job for task in tasks}))
                self._view.note(f"the workers go on: bnlab status {self._study} --watch; scancel {jobs} ends them")
            raise

    def _wait(self) -> None:
        study, asked, absent = Study(self._study), float("-inf"), 0
        while True:
            began = monotonic()
            look = study.look()
            failed = self._settle(look)
            if not self._left or (failed and self._fails_fast):
                break
            if began - asked >= QUERY:
                asked, tasks = began, slurm.queue(self._name)
                if tasks is None:
                    self._say("slurm does not answer: only the folder is watched")
                elif tasks:
                    absent = 0
                    self._check(tasks)
                elif not any(run.folder in self._left for run in look.of("running")):
                    absent += 1
                    if absent == ABSENT:
                        absent = 0
                        self._replace(look)
            sleep(max(POLL, monotonic() - began))  # a large study is looked at half of the time
        unfinished = any(look.of(state) for state in ("waiting", "interrupted", "running"))
        if self._left or not unfinished:  # else the workers train runs of another sweep
            tasks = slurm.queue(self._name) or []
            slurm.cancel(sorted({task.job for task in tasks}), pending=not self._left)

    def _lay_out(self, keep: bool) -> None:
        """Write the waiting runs into packs.json, and let failed ones be trained again.

        Args:
            keep: leave packs.json as it is for the runs that are in it, because workers are training them.
        """
        known = set[str]()
        with suppress(Unreadable):  # it is rewritten
            known = {run_id for record in read_packing(self._study).packs for run_id in record.runs if keep}
        if new := [job for job in self._left.values() if job.run_id not in known]:
            lay_out(self._study, new, self._jobs, self._view.note)
        for job in self._left.values():
            info = job.info()
            if info is not None and info["status"] == "failed":  # with sweep.retry=failed
                # A worker that has just taken it marks it itself.
                with suppress(Busy), lock(job.folder), RunWriter(job.folder) as writer:
                    writer.update(status="running", cause=None, traceback=None, command=job.command)

    def _submit(self, workers: int) -> None:
        path = self._study / FOLDER / NAME
        check_own(path)
        write_atomic(path, script(self._study, self._options, workers))
        job = slurm.submit(path)
        self._own.add(job)
        self._view.note(f"{workers} {'worker' if workers == 1 else 'workers'} submitted as job {job} ({path})")

    def _settle(self, look: Look) -> bool:
        """Record the runs that have ended, show the progress of others; return whether one has failed."""
        failed = False
        for run in look.runs:
            if run.folder not in self._left:
                continue
            trains = run.state == "running" and run.updates is not None
            self._view.progress(*(run.updates or (0, 1)), None, None, run.folder.name, int(trains))
            if run.info is not None and run.state in (*FINISHED, "failed"):
                failed = failed or run.state == "failed"
                self._tell(self._left.pop(run.folder), run.info)
        if self._before is None:
            self._before = _progress(look)
        return failed

    def _check(self, tasks: Sequence[Task]) -> None:
        """Say why no worker is running, if so.

        Raises:
            BadInput: none of them can ever start.
        """
        if any(task.state != "PENDING" for task in tasks):
            self._say("")
            return
        if all(task.reason in HOPELESS for task in tasks):
            slurm.cancel(sorted({task.job for task in tasks} & self._own))
            reason = tasks[0].reason
            raise BadInput(f"job {tasks[0].job} cannot start ({reason}): {HOPELESS[reason]}")
        self._say("; ".join(counted(tasks)))

    def _replace(self, look: Look) -> None:
        """Submit new workers in place of those that have ended.

        Raises:
            BadInput: they were cancelled, or have trained nothing.
        """
        for folder in look.damaged.keys() & self._left.keys():
            del self._left[folder]
            self._skip(str(folder), look.damaged[folder])
        if not self._left:
            return
        left = f"{len(self._left)} {'run is' if len(self._left) == 1 else 'runs are'} left"
        traces = self._traces.read(set())
        recent = [trace for trace in traces if trace.id.partition("_")[0] == traces[-1].id.partition("_")[0]]
        if recent and all(trace.cause == CANCELLED for trace in recent):
            raise BadInput(f"the workers were cancelled, and {left}: the same command submits new ones")
        if self._before == _progress(look):
            why = "".join(f"; {line}" for line in ended(recent[-1:]))
            raise BadInput(f"the workers have ended without training, and {left}{why}")
        self._before = _progress(look)
        self.submit()

    def _say(self, line: str) -> None:
        if line and line != self._said:
            self._view.note(line)
        self._said = line


def _progress(look: Look) -> tuple[int, int]:
    """Return the number of runs that have ended, and the updates of the others."""
    others = [run.updates[0] for run in look.runs if run.updates is not None]
    return sum(run.state in (*FINISHED, "failed") for run in look.runs), sum(others)
