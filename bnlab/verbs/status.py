"""`bnlab status`: print the progress of a study."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.live import Live
from rich.text import Text

from bnlab.config.paths import expanded
from bnlab.errors import BadInput
from bnlab.runs.files import is_there
from bnlab.runs.schema import FINISHED
from bnlab.runs.status import Look, Study
from bnlab.sweeps.cluster.state import Workers
from bnlab.sweeps.display.picture import head, picture, wrapped
from bnlab.terminal import Console, say

_USAGE = "bnlab status DIR [--watch | --verify | --drop-waiting]"

HELP = f"""\
usage: {_USAGE}

Prints how many runs of a study (outputs/<study>) are complete, diverged, refused, failed, running, interrupted or
waiting, which processes train them and their progress, why runs failed, diverged or were refused, and the command that
trains failed runs again; with launcher=slurm also which workers are running or pending, and why others ended, with the
job's id and its log. Writes nothing, so it is safe while a sweep runs, also from another machine.

  --watch         update every two seconds until no run is running and no worker may begin one; waits for a study that
                  does not exist yet
  --verify        check the files of finished runs against their checksums, and print the command that trains each
                  damaged run again; exit status 1 if any file is damaged
  --drop-waiting  forget planned runs that have not been started (after abandoning a grid)
"""
EVERY = 2.0  # seconds between updates
QUIET = 30.0  # seconds between lines if the output is not a terminal


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; usage: {_USAGE}")


def run(words: Sequence[str]) -> int:
    """Print the progress of a study and return the exit status."""
    if {"-h", "--help"} & set(words):
        say(HELP)
        return 0
    parser = _Parser(add_help=False)
    parser.add_argument("study", type=Path, metavar="DIR")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--watch", action="store_true")
    only.add_argument("--verify", action="store_true")
    only.add_argument("--drop-waiting", action="store_true")
    given = parser.parse_args(list(words))
    console = Console()
    given.study = Path(expanded(str(given.study), "DIR"))
    if given.watch and _is_empty(given.study):
        _wait(given.study, console)
    study = Study(given.study)
    if given.verify:
        return verify(study, console)
    if given.drop_waiting:
        if not os.access(study.path, os.W_OK | os.X_OK):
            raise BadInput(f"{study.path} cannot be written (Permission denied): ask its owner to drop waiting runs")
        from bnlab.sweeps.packing.packs import Packs

        dropped = Packs(study.path).drop_waiting()
        console.print(f"{dropped} planned runs that were not started are dropped", soft_wrap=True)
        return 0
    workers = Workers(study.path)
    look = watch(study, console, workers) if given.watch else study.look()
    console.print(_picture(study, look, workers, console), soft_wrap=True)
    return 0


def _is_empty(path: Path) -> bool:
    """Return whether a study does not exist yet or has no run yet."""
    return not is_there(path) or (path.is_dir() and not any(one.is_dir() for one in path.iterdir()))


def _wait(path: Path, console: Console) -> None:
    """Wait for the first run of a study."""
    console.print(f"{path} has no run yet: waiting for the first (Ctrl-C to stop)", soft_wrap=True)
    while _is_empty(path):
        time.sleep(EVERY)


def watch(study: Study, console: Console, workers: Workers) -> Look:
    """Update until no run is running twice in a row, because there is a gap between two runs; return the last look.

    Workers that Slurm has may still begin runs.
    """
    look, idle, said = study.look(), 0, float("-inf")
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while idle < 2:
            if console.is_terminal:
                live.update(_picture(study, look, workers, console), refresh=True)
            elif time.monotonic() - said > QUIET:
                said = time.monotonic()
                console.print(time.strftime("%H:%M:%S"), head(look), soft_wrap=True)
            time.sleep(EVERY)
            look = study.look()
            workers.look()
            may_begin = workers.tasks and (look.of("waiting") or look.of("interrupted"))
            idle = 0 if look.of("running") or may_begin else idle + 1
    return look


def verify(study: Study, console: Console) -> int:
    """Check the files of every finished run and return the exit status."""
    from bnlab.runs.verify import Damage, damages  # pandas

    look = study.look()
    finished = [run for run in look.runs if run.state in FINISHED and run.info is not None]
    found: list[Damage] = []
    with console.status("") as status:
        for n, run in enumerate(finished):
            if n % 20 == 0:
                status.update(f"{n:,} of {len(finished):,} runs")
            if run.info is not None and run.state != "refused":
                found += damages(run.folder, run.info)
    for one in found:
        console.print(f"damaged: {one.path}: {one.reason}", style="red", soft_wrap=True)
    for reason in look.damaged.values():
        console.print(f"damaged: {reason}", style="red", soft_wrap=True)
    commands = dict.fromkeys(one.command for one in found if one.command)
    if commands:
        console.print("train them again:", soft_wrap=True)
    for command in commands:
        console.print(f"  {command}", soft_wrap=True)
    without = sum(run.info["checksums"] is None for run in finished if run.info is not None and run.state != "refused")
    older = f"; {without} written by an older bnlab have no checksums, only their format was checked" if without else ""
    console.print(f"{len(finished)} finished runs checked, {len(found)} files damaged{older}", soft_wrap=True)
    return 1 if found or look.damaged else 0


def _picture(study: Study, look: Look, workers: Workers, console: Console) -> Text:
    width = _width(console)
    found = picture(study.path, look, width)
    if lines := workers.look():
        found = Text("\n").join([found, Text(), *(Text(line) for one in lines for line in wrapped(one, width, 2))])
    return found


def _width(console: Console) -> int | None:
    """Return the width to which lines are wrapped: the terminal's, or None for files and pipes."""
    return console.width if console.is_terminal else None
