"""`bnlab report`: tables, figures and a page."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab.errors import BadInput

if TYPE_CHECKING:
    from bnlab.studies.record import Record

_USAGE = "bnlab report DIR... [--out DIR] [--pdf] [--target 0.9] [--tolerance 0.05]"

HELP = f"""\
usage: {_USAGE}

Reads the runs of one or more studies (outputs/<study>) and writes tables (.csv, .md, .tex), figures (.png and .svg with
the .csv behind each) and index.html, one page with all of it that needs no network. Works on a running or half-failed
sweep, and says what is missing.

  --out         the report's folder: by default DIR/report, or report_A_B beside A when A and B are compared
  --pdf         each figure as PDF too
  --target      validation accuracy that "epochs to target" waits for
  --tolerance   how far below the best a learning rate's accuracy may lie and still count as usable
"""


def run(words: Sequence[str]) -> int:
    """Build the report; returns the exit status."""
    if {"-h", "--help"} & set(words):
        print(HELP)
        return 0

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            raise BadInput(f"{message}; usage: {_USAGE}")

    parser = Parser(add_help=False)
    parser.add_argument("studies", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pdf", action="store_true")
    parser.add_argument("--target", type=float, default=0.9)
    parser.add_argument("--tolerance", type=float, default=0.05)
    given = parser.parse_args(list(words))
    for name in ("target", "tolerance"):
        if not 0 <= getattr(given, name) <= 1:
            raise BadInput(f"--{name} {getattr(given, name)} should be an accuracy between 0 and 1")
    given.studies = list(dict.fromkeys(given.studies))
    for study in given.studies:
        if not study.exists() and (Path("outputs") / study).is_dir():
            raise BadInput(f"{study} does not exist; did you mean {Path('outputs') / study}?")
    from rich.console import Console
    from rich.markdown import Markdown

    from bnlab.report import build

    console = Console()
    records = [record for study in given.studies if (record := _record(study)) is not None]
    built = build(
        given.studies,
        target=given.target,
        tolerance=given.tolerance,
        out=given.out,
        pdf=given.pdf,
        verdicts=[one for record in records for one in record.shown(named=len(records) > 1)],
        command=shlex.join(["bnlab", "report", *words]),
        remark="; ".join(dict.fromkeys(record.remark for record in records if record.remark)),
    )
    rows = [line for line in built.table_text.splitlines() if line.startswith("|")]
    if console.is_terminal and max(map(len, rows), default=0) <= console.width:
        console.print(Markdown(built.table_text))
    else:  # narrower, rich would cut names and numbers
        print(built.table_text)
    for note in built.notes:
        console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(str(built.page), highlight=False, soft_wrap=True)
    return 0


def _record(study: Path) -> "Record | None":
    """What `bnlab study` has judged of a study's runs, for its page to keep."""
    from bnlab.studies.record import NAME, read

    path = study / "report" / f"{NAME}.json"
    if not path.exists():
        return None
    try:
        return read(path)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput(f"{path} is damaged: remove it, or judge anew with bnlab study") from None
