"""State of a study's workers in Slurm, in a few lines."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bnlab.runs.causes import causes
from bnlab.sweeps.cluster import slurm
from bnlab.sweeps.cluster.names import FOLDER, job_name
from bnlab.sweeps.cluster.slurm import Task
from bnlab.sweeps.cluster.trace import Trace, Traces

FEW = 6  # most causes that are listed
QUERY = 10.0  # seconds between questions to Slurm


class Workers:
    """The workers of one study, if it was given to Slurm.

    Attributes:
        tasks: those that Slurm has; None if it does not answer.
    """

    def __init__(self, study: Path) -> None:
        self._study = study
        self._traces = Traces(study)
        self._asked = float("-inf")
        self.tasks: list[Task] | None = []

    def look(self) -> list[str]:
        """Return lines on the workers that Slurm has, and on those that ended badly; none without Slurm's folder."""
        if not (self._study / FOLDER).is_dir():
            return []
        if time.monotonic() - self._asked > QUERY:
            self.tasks = slurm.queue(job_name(self._study))
            self._asked = time.monotonic()
        found = ended(self._traces.read(None if self.tasks is None else {task.id for task in self.tasks}))
        if self.tasks is not None:
            return [*counted(self.tasks), *found]
        number = self._traces.open
        silent = f"slurm does not answer; the logs of {number} {'worker' if number == 1 else 'workers'} have no end"
        return [*([silent] if number else []), *found]


def counted(tasks: Sequence[Task]) -> list[str]:
    """Return lines on the tasks that Slurm has: how many are running, and why others are pending."""
    lines = []
    running = [task for task in tasks if task.state == "RUNNING"]
    if running:
        nodes = ", ".join(sorted({task.nodes for task in running if task.nodes})[:FEW])
        lines.append(f"slurm: {_workers(running)} running" + (f" on {nodes}" if nodes else ""))
    others = Counter((task.state.lower(), task.reason) for task in tasks if task.state != "RUNNING")
    for (state, reason), number in others.most_common():
        those = [task for task in tasks if (task.state.lower(), task.reason) == (state, reason)]
        known = slurm.HOPELESS.get(reason)
        why = f" ({reason}{f': {known}' if known else ''})" if reason else ""
        lines.append(f"slurm: {_workers(those)} {state}{why}" if number else "")
    return lines


def ended(traces: Sequence[Trace]) -> list[str]:
    """Return lines on workers that ended badly: the cause, the jobs and the first log."""
    groups = causes([trace.cause for trace in traces])
    lines = []
    for cause in groups[:FEW]:
        those = [traces[place] for place in cause.places]
        ids = ", ".join(trace.id for trace in those[:FEW]) + (", …" if len(those) > FEW else "")
        lines.append(f"slurm: worker {ids} ended: {cause.text}; log: {those[-1].log}")
    return [*lines, *([f"slurm: … and {len(groups) - FEW} other causes"] if len(groups) > FEW else [])]


def _workers(tasks: Sequence[Task]) -> str:
    number = f"{len(tasks)} {'worker' if len(tasks) == 1 else 'workers'}"
    return f"{number} of job {', '.join(sorted({task.job for task in tasks}, key=int))}"
