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
        status: exit status: 1 if a run failed, else 0.

    Raises:
        BadInput: the folder is not a study, or was laid out with other versions.
    """

    def __init__(self, study: Path, own: Sequence[str], command: str) -> None:
        from bnlab.runs.status import Study

        self._study, self._own, self._command = study, list(own), command
        self._retry = "sweep.retry=failed" in own
        self._runs = Study(study)
        self._console = Console()
        self._tried: set[str] = set()
        self.status = 0
        _check_versions(study)

    def train(self) -> bool:
        """Train the runs that are waiting now; return whether there were any that it had not tried before."""
        states = ("waiting", "interrupted", "running", *(("failed",) if self._retry else ()))
        commands = {
            one.folder.name: one.command
            for one in self._runs.look().runs
            if one.state in states and one.command and one.folder.name not in self._tried
        }
        if not commands:
            if not self._tried:
                self._console.print(f"{self._study}: nothing is waiting", soft_wrap=True)
            return False
        self._tried |= commands.keys()
        for flags, mine in _alike(commands).items():
            self._call(flags, mine)
        return True

    def _call(self, flags: tuple[str, ...], runs: Mapping[str, list[str]]) -> None:
        """Train the runs whose commands have the same flags and plugins."""
        from bnlab.config.compose import Composer
        from bnlab.sweeps.job import Jobs
        from bnlab.sweeps.sweep import prepare, run_sweep
        from bnlab.verbs import hydra

        def batch(composer: Composer, _: Any) -> None:
            data = Jobs(hydra.config_options(flags))
            lists = [self._words(words) for words in runs.values()]
            first = data.job(composer.compose(lists[0]), lists[0])
            if first.config.run["launcher"] in ("none", "slurm"):  # in a yaml, for the sweep that laid the runs out
                self._own += ["launcher=auto", "sweep.workers=null"]
                lists = [self._words(words) for words in runs.values()]
            study = first.study
            if study.resolve() != self._study.resolve():  # it was laid out from another working folder
                place = self._study.absolute()
                lists = [
                    self._words(words, f"output_dir={place.parent}", f"study={place.name}") for words in runs.values()
                ]
            jobs = prepare(composer, data, lists, self._console)
            if odd := sorted(runs.keys() - {job.run_id for job, _ in jobs.values()}):
                raise BadInput(
                    f"{len(odd)} of {len(runs)} runs of {self._study}, such as {odd[0]}, would be other runs here: its "
                    "data, plugins or configs differ from those that it was laid out with"
                )
            summary = run_sweep(jobs, len(lists), self._console, self._command)
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


def _alike(commands: Mapping[str, str]) -> dict[tuple[str, ...], dict[str, list[str]]]:
    """Return the overrides of each run by the flags and plugins of its command, with which Hydra is called."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for run_id, command in commands.items():
        parsed = parse(shlex.split(command)[2:])
        plugins = [word for word in parsed.overrides if key_of(word) == "plugins"]
        found.setdefault((*parsed.hydra, *plugins), {})[run_id] = parsed.overrides
    return found


def _check_versions(study: Path) -> None:
    from bnlab.runs.packing import read_packing
    from bnlab.sweeps.running.provenance import versions

    ours = versions()
    for name, version in read_packing(study).versions.items():
        if ours.get(name) != version:
            here = ours.get(name, "none")
            raise BadInput(f"{study} was laid out with {name} {version}, and here is {here}: install that version")
