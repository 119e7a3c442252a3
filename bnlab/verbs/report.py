"""`bnlab report`: tables, figures and a page."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab.config.paths import expanded
from bnlab.errors import BadInput
from bnlab.runs.files import Unreadable, is_there
from bnlab.terminal import Console, say
from bnlab.text import printable

if TYPE_CHECKING:
    from bnlab.studies.record import Record

_USAGE = "bnlab report DIR... [--out DIR] [--pdf] [--target 0.9] [--tolerance 0.05]"

_MOST = 20  # printed notes

HELP = f"""\
usage: {_USAGE}

Reads the runs of one or more studies (outputs/<study>) and writes tables (.csv, .md, .tex), figures (.png and .svg,
each with its data as .csv) and index.html, one page with all of them that needs no network. Works on a sweep that is
running or partly failed, and lists what is missing.

  --out         folder of the report (default: DIR/report, or report_A_B beside A if A and B are compared)
  --pdf         write each figure as PDF too
  --target      validation accuracy of "epochs to target"
  --tolerance   largest distance to the best accuracy at which a learning rate still counts as usable
"""


def run(words: Sequence[str]) -> int:
    """Build the report and return the exit status."""
    if {"-h", "--help"} & set(words):
        say(HELP)
        return 0

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise BadInput(f"{message}; usage: {_USAGE}")

    parser = Parser(add_help=False)
    parser.add_argument("studies", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--out")
    parser.add_argument("--pdf", action="store_true")
    parser.add_argument("--target", type=float, default=0.9)
    parser.add_argument("--tolerance", type=float, default=0.05)
    given = parser.parse_args(list(words))
    for name in ("target", "tolerance"):
        if not 0 <= getattr(given, name) <= 1:
            raise BadInput(f"--{name} {getattr(given, name)} should be between 0 and 1")
    if given.out is not None:
        given.out = Path(expanded(given.out, "--out"))
    given.studies = [Path(expanded(str(study), "DIR")) for study in given.studies]
    for study in given.studies:
        if not is_there(study) and is_there(Path("outputs") / study):
            raise BadInput(f"{study} does not exist; did you mean {Path('outputs') / study}?")
    from rich.markdown import Markdown

    from bnlab.report import build

    records, damaged = _records(given.studies)
    built = build(
        given.studies,
        target=given.target,
        tolerance=given.tolerance,
        out=given.out,
        pdf=given.pdf,
        verdicts=[one for record in records for one in record.shown(named=len(records) > 1)],
        command=shlex.join(["bnlab", "report", *words]),
        remark="; ".join(dict.fromkeys(record.remark for record in records if record.remark)),
        notes=damaged,
    )
    console = Console()
    rows = [line for line in built.table_text.splitlines() if line.startswith("|")]
    if console.is_terminal and max(map(len, rows), default=0) <= console.width:
        console.print(Markdown(printable(built.table_text, lines=True)))
    else:  # in a narrow terminal rich would truncate names and numbers
        say(built.table_text)
    for note in built.notes[:_MOST]:
        say(f"note: {note}")
    if len(built.notes) > _MOST:
        say(f"note: {len(built.notes) - _MOST} more, all of them on the page")
    say(str(built.page))
    return 0


def _records(studies: Sequence[Path]) -> "tuple[list[Record], list[str]]":
    """Return the verdicts of earlier `bnlab study` commands, and one line on each damaged file of verdicts."""
    from bnlab.studies.record import NAME, read

    records, damaged = [], []
    for study in studies:
        try:
            records.append(read(study / "report" / f"{NAME}.json"))
        except FileNotFoundError:
            continue
        except Unreadable as error:
            damaged.append(f"no verdicts: {error}; remove it, or judge the claims again with bnlab study")
    return records, damaged
