"""`bnlab status`: how a study stands."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live

from bnlab.errors import BadInput
from bnlab.runs.status import Look, Study
from bnlab.sweeps.picture import head, picture

HELP = """\
usage: bnlab status DIR [--watch]

Says of a study (outputs/<study>) how many of its runs are complete, diverged, refused, failed, running, interrupted
or waiting, who is at it and how far, why runs failed, diverged or were refused, and what runs the failed ones again.
Reads the folder and writes nothing, so it may be asked while a sweep runs elsewhere, on another machine too.

  --watch   look again every two seconds until nothing runs
"""
EVERY = 2.0  # seconds between looks
QUIET = 30.0  # seconds between lines where there is no terminal


def run(words: Sequence[str]) -> int:
    """Print how a study stands; returns the exit status."""
    if {"-h", "--help"} & set(words):
        print(HELP)
        return 0

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise BadInput(f"{message}; usage: bnlab status DIR [--watch]")

    parser = Parser(add_help=False)
    parser.add_argument("study", type=Path, metavar="DIR")
    parser.add_argument("--watch", action="store_true")
    given = parser.parse_args(list(words))
    study, console = Study(given.study), Console(highlight=False)
    look = watch(study, console) if given.watch else study.look()
    console.print(picture(study.path, look, _width(console)), soft_wrap=True)
    return 0


def watch(study: Study, console: Console) -> Look:
    """Look until nothing runs, twice in a row, for between two runs there is a moment; returns the last look."""
    look, idle, said = study.look(), 0, float("-inf")
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while idle < 2:
            if console.is_terminal:
                live.update(picture(study.path, look, _width(console)), refresh=True)
            elif time.monotonic() - said > QUIET:
                said = time.monotonic()
                console.print(time.strftime("%H:%M:%S"), head(look), soft_wrap=True)
            time.sleep(EVERY)
            look = study.look()
            idle = 0 if look.of("running") else idle + 1
    return look


def _width(console: Console) -> int | None:
    """What lines are wrapped to: the terminal; whoever reads a file or a pipe wants them whole."""
    return console.width if console.is_terminal else None
