"""`bnlab laws`: closed forms, checked on nets at initialization."""

import argparse
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from bnlab.errors import BadInput
from bnlab.registry import Entry, entries
from bnlab.terminal import Console, say
from bnlab.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from bnlab.laws.base import Item
    from bnlab.laws.row import Row
    from bnlab.verbs.law_options import Options

_USAGE = "bnlab laws [LAW... | all] [option=value...] [--out DIR]"

HELP = f"""\
usage: {_USAGE}

Without a law, lists the closed forms. With laws, measures them on nets at initialization, prints each number with its
verdict, and writes checks.csv, checks.md and a picture of each law. A closed form that does not hold is a result, not a
failure; most of them are limits of wide nets and large batches.

  bnlab laws all                                                            all of them, minutes of one core
  bnlab laws gradient_growth soft_rank depth=24 widths=[256,512] seeds=3    an option applies to the laws that have it

  --out DIR     the folder of the files (default: outputs/laws); other files there are left alone

Options with their defaults:
"""


def run(words: Sequence[str]) -> int:
    """List the laws or measure some, and return the exit status."""
    if {"-h", "--help"} & set(words):
        rows = _columns({law.name: _defaults(law) for law in entries("law").values()})
        indent = " " * (max(map(len, entries("law"))) + 2)
        say(HELP + "\n".join(fill(row, 118, subsequent_indent=indent, break_on_hyphens=False) for row in rows))
        return 0
    if not words:
        listed = {law.name: f"{law.facts['statement']} ({law.facts['source']})" for law in entries("law").values()}
        say("\n".join(_columns(listed)))
        return 0
    from bnlab.config.paths import expanded
    from bnlab.verbs.law_options import chosen, options

    given = _parser().parse_intermixed_args(list(words))
    laws = chosen([word for word in given.words if "=" not in word])
    set_ = options(laws, [word for word in given.words if "=" in word])
    _measure(laws, set_, Path(expanded(given.out, "--out")), shlex.join(["bnlab", "laws", *words]))
    return 0


def _columns(lines: dict[str, str]) -> Iterable[str]:
    width = max(map(len, lines))
    return (f"{name:<{width}}  {line}" for name, line in lines.items())


def _defaults(law: Entry) -> str:
    from bnlab.config.excerpt import excerpt

    return " ".join(f"{option}={excerpt(default)}" for option, default in law.defaults.items())


def _parser() -> argparse.ArgumentParser:
    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise BadInput(f"{message}; usage: {_USAGE}")

    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", default="outputs/laws")
    return parser


def _measure(laws: Sequence[Entry], options: "Options", out: Path, command: str) -> None:
    """Measure the laws, print the rows of each, and write the table and the pictures."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from bnlab.laws.table import CSV, MARKDOWN, TITLE, csv_text, markdown
    from bnlab.report.measurement import choose_folder

    pictures = [f"{name}.png" for name in entries("law")]
    place = choose_folder(out, [MARKDOWN, CSV, *pictures], what="the checks", title=TITLE)
    import torch

    torch.set_num_threads(1)  # rounding depends on the number of threads
    console = Console()
    rows: list[Row] = []
    drawn: dict[str, bytes] = {}
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        for law in laws:
            own, drawn[f"{law.name}.png"] = _measured(law, options[law.name], progress)
            console.print(f"{law.name}: {law.facts['statement']}", style="bold", soft_wrap=True)
            console.print(*_tables(own), "")
            rows += own
    how = f"`{printable(command)}` (torch {torch.__version__.partition('+')[0]}, float64)"
    place.remove(name for name in pictures if name not in drawn)
    paths = [place.write(MARKDOWN, markdown(rows, how)), place.write(CSV, csv_text(rows))]
    paths += [place.write(name, picture) for name, picture in drawn.items()]
    found = [row.verdict for row in rows]
    say(f"{found.count('holds')} hold, {found.count('does not hold')} do not hold, {found.count('reported')} reported")
    say("\n".join(map(str, paths)))


def _measured(entry: Entry, options: dict[str, Any], progress: "Progress") -> "tuple[list[Row], bytes]":
    """Measure a law, and return its rows and its picture."""
    from bnlab.laws.picture import render

    task = progress.add_task(entry.name, total=None)

    def track(items: "Sequence[Item]", /) -> "Iterable[Item]":
        return progress.track(items, total=len(items), task_id=task)

    law = entry.load()(**options)
    found = law.measure(track)
    progress.remove_task(task)
    return law.rows(found), render(lambda figure: law.draw(found, figure))


def _tables(rows: "Sequence[Row]") -> "Iterable[Table]":
    """Return a table for the terminal of each quantity that a law has measured."""
    from rich.table import Table
    from rich.text import Text

    from bnlab.laws.table import cell

    numbers = ("expected", "measured", "spread")
    colours = {"holds": "green", "does not hold": "yellow", "reported": ""}
    for quantity in dict.fromkeys(row.quantity for row in rows):
        table = Table(box=None, header_style="bold", title=quantity, title_justify="left")
        table.add_column("setting", overflow="fold")
        for heading in numbers:
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        for row in rows:
            if row.quantity == quantity:
                shown = [cell(row, column) for column in numbers]
                table.add_row(row.setting, *shown, Text(row.verdict, colours[row.verdict]))
        yield table
