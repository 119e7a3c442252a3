"""`bnlab worker`: train what a study's folder says is waiting."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bnlab.config.overrides import key_of
from bnlab.config.paths import expanded
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.terminal import Console, say
from bnlab.verbs.flags import parse

_USAGE = "bnlab worker DIR [overrides]"

HELP = f"""\
usage: {_USAGE}

Trains the waiting and interrupted runs of a study (outputs/<study>) until there are none. Any number of workers, on any
machines that see the folder, share the work; each run is trained once. If one dies, the others take over its runs: at
once on the same machine, else after a minute without a sign of life.

  bnlab sweep experiment=demo launcher=none     lay out a study: packs.json lists its runs, nothing is trained
  bnlab worker outputs/demo                     on each machine, as often as it has room

What a run is comes from the folder alone. A worker with another version of bnlab or torch, or that finds other data,
plugins or configs than the study was laid out with, says so in one line and trains nothing.

Overrides say how this machine trains: launcher, device, threads, checkpoint_seconds, sweep.workers, sweep.pack_size,
sweep.retry, data.root (where the same data are here).
"""
_OWN = (
    "launcher", "device", "threads", "checkpoint_seconds", "sweep.workers", "sweep.pack_size", "sweep.retry",
    "data.root",
)  # fmt: skip


def run(words: Sequence[str]) -> int:
    """Train the waiting runs of a study and return the exit status."""
    if {"-h", "--help"} & set(words):
        say(HELP)
        return 0
    given = parse(words)
    folders = [word for word in given.overrides if "=" not in word]
    own = [word for word in given.overrides if "=" in word]
    if len(folders) != 1 or given.hydra:
        raise BadInput(f"bnlab worker takes the folder of one study; usage: {_USAGE}")
    if odd := [word for word in own if key_of(word) not in _OWN]:
        raise BadInput(
            f"{odd[0]} would change the runs, which are those of the folder; a worker takes {', '.join(_OWN)}"
        )
    if own_launcher := next((word for word in own if word in ("launcher=none", "launcher=slurm")), None):
        raise BadInput(f"{own_launcher} lays out runs for workers, and a worker trains them: leave it out")
    study = Path(expanded(folders[0], "DIR"))
    worker = Worker(study, own, shlex.join(["bnlab", "worker", *words]))
    while worker.train():
        pass
    return worker.status


class Worker:
    """Trainer of the waiting runs of one study.

    Args:
        own: overrides of this machine.
        command: the user's command.

    Attributes:
        status: exit status: 1 if a run failed or could not be trained, else 0.

    Raises:
        BadInput: the folder is not a study, or was laid out with other versions.
    """

    def __init__(self, study: Path, own: Sequence[str], command: str) -> None:
        from bnlab.runs.status import Study

        self._path, self._own, self._command = study, list(own), command
        self._retry = "sweep.retry=failed" in own
        self._study = Study(study)
        self._console = Console()
        self._tried: set[str] = set()
        self.status = 0
        _check_versions(study)

    def train(self) -> bool:
        """Train the runs that wait, until none does; return whether there were any that it had not tried before."""
        from bnlab.sweeps.packing.packs import Packs

        commands = self._unfinished()
        if not commands:
            if not self._tried:
                self._console.print(f"{self._path}: nothing is waiting (see bnlab status)", soft_wrap=True)
            return False
        self._tried |= commands.keys()
        Packs(self._path).tidy()
        for flags, mine in _alike(commands).items():
            self._call(flags, mine)
        return True

    def _unfinished(self) -> dict[str, str]:
        """Return the commands of the runs that it has not tried; none if all have ended."""
        from bnlab.runs.packing import has_begun
        from bnlab.runs.schema import FINISHED
        from bnlab.runs.status import ENDED

        commands = {one: command for one, command in self._study.commands().items() if one not in self._tried}
        if all(has_begun(self._path, [one]) for one in commands):
            over = FINISHED if self._retry else ENDED
            left = {run.folder.name for run in self._study.unfinished(commands, over)}
            return {one: command for one, command in commands.items() if one in left}
        return commands

    def _call(self, flags: tuple[str, ...], commands: Mapping[str, str]) -> None:
        """Train the runs whose commands have the same flags and plugins."""
        from bnlab.config.compose import Composer
        from bnlab.sweeps.display.console import SweepConsole, warn
        from bnlab.sweeps.job import Job, Jobs
        from bnlab.sweeps.running.work import Work
        from bnlab.sweeps.sweep import Summary, conclude
        from bnlab.verbs import hydra

        def batch(composer: Composer, _: Any) -> None:
            data = Jobs(hydra.config_options(flags))
            place: tuple[str, ...] = ()

            def composed(command: str) -> Job:
                words = self._words(parse(shlex.split(command)[2:]).overrides, *place)
                return data.job(composer.compose(words), words)

            def make(run_id: str, command: str) -> Job:
                if (job := composed(command)).run_id != run_id:
                    raise BadInput(
                        f"run {run_id} of {self._path} would be another run here: its data, plugins or configs differ "
                        "from those that it was laid out with"
                    )
                return job

            job = composed(next(iter(commands.values())))
            if job.config.run["launcher"] in ("none", "slurm"):  # in a yaml, for the sweep that laid the runs out
                self._own = ["launcher=auto", "sweep.workers=null", *self._own]
                job = composed(next(iter(commands.values())))
            if job.study.resolve() != self._path.resolve():  # it was laid out from another working folder
                absolute = self._path.absolute()
                place = (f"output_dir={absolute.parent}", f"study={absolute.name}")
                job = composed(next(iter(commands.values())))
            job.make_study()
            warn(self._console, [job])
            summary = Summary(studies=[self._path])
            self._console.print(f"{len(commands)} runs to train, together with other workers", soft_wrap=True)
            with SweepConsole(self._console, len(commands)) as view:
                Work(
                    self._study, commands, make, lambda one: _flags(one) == flags, view, summary, retry=self._retry
                ).run()
            conclude(summary, self._console, self._command)
            self.status = self.status or summary.status

        def task(_: object) -> None:
            raise AssertionError("the launcher calls `batch`")

        task.batch = batch  # type: ignore[attr-defined]
        hydra.call(task, flags, multirun=True)

    def _words(self, overrides: Sequence[str], *place: str) -> list[str]:
        """Return the overrides of a run as this machine trains it."""
        own = [*place, *self._own]
        keys = {"launcher", *map(key_of, own)}  # without launcher=none, the experiment's applies
        return [quoted(word) for word in (*(word for word in overrides if key_of(word) not in keys), *own)]


def _alike(commands: Mapping[str, str]) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the commands of runs by the flags and plugins, with which Hydra is called."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for run_id, command in commands.items():
        found.setdefault(_flags(command), {})[run_id] = command
    return found


def _flags(command: str) -> tuple[str, ...]:
    """Return the flags and plugins of a command."""
    if " -" not in command and "plugins" not in command:  # parsing thousands of commands takes seconds
        return ()
    parsed = parse(shlex.split(command)[2:])
    return (*parsed.hydra, *(word for word in parsed.overrides if key_of(word) == "plugins"))


def _check_versions(study: Path) -> None:
    from bnlab.runs.packing import read_packing
    from bnlab.sweeps.running.provenance import versions

    ours = versions()
    for name, version in read_packing(study).versions.items():
        if ours.get(name) != version:
            here = ours.get(name, "none")
            raise BadInput(f"{study} was laid out with {name} {version}, and here is {here}: install that version")
