"""The task that Hydra calls with one composed config: train the run and print its outcome."""

from collections.abc import Callable, Sequence
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from bnlab.errors import BadInput
from bnlab.runs.index import rebuild
from bnlab.runs.lock import Busy
from bnlab.sweeps import rerun
from bnlab.sweeps.display.console import SweepConsole, ending, warn
from bnlab.sweeps.job import Job, Jobs
from bnlab.terminal import Console, say
from bnlab.verbs import hydra


class OneRun:
    """Task that trains single runs.

    Attributes:
        status: the exit status: 1 if any run has failed, else 0.
    """

    def __init__(self, console: Console, options: Sequence[str]) -> None:
        self._console = console
        self._jobs = Jobs(options)
        self.status = 0

    def entry(self) -> Callable[[DictConfig], Any]:
        """Return a plain function for Hydra, which inspects the module of its task."""

        def task(config: DictConfig) -> None:
            self.train(self._jobs.job(hydra.composed(config), HydraConfig.get().overrides.task))

        return task

    def train(self, job: Job) -> None:
        """Train a job unless it is finished, and print its outcome and its folder."""
        if (launcher := job.config.run["launcher"]) in ("none", "slurm"):
            raise BadInput(f"launcher={launcher} lays out a sweep (bnlab sweep), and this trains one run: leave it out")
        for note in self._jobs.notes:
            self._print(note)
        if (obstacle := job.obstacle()) is not None:
            raise BadInput(obstacle)
        if job.config.run["rerun"]:
            job.make_study()
            rerun.begin(job.study, [job.run_id])
        if job.finished():
            info = job.read()
            self._print(f"done already ({info['status']}; rerun=true trains it again): {ending(info)}")
            if names := job.lacking(info):
                self._print(f"the run has not recorded {', '.join(names)} at these moments: rerun=true records them")
            self._print(str(job.folder))
            return
        job.make_study()
        from bnlab.sweeps.running.alone import train

        warn(self._console, [job])
        with SweepConsole(self._console, 1) as view:
            try:
                train(job, view)
            except Busy as reason:
                raise BadInput(f"{reason}: wait for it, or change an option") from None
        info = job.read()
        rebuild(job.study)
        rerun.end(job.study)
        if info["status"] == "failed":
            say(info["traceback"], error=True)
            self.status = 1
        self._print(f"{info['status']}: {ending(info)}")
        self._print(str(job.folder))

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)
