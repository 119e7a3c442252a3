"""Tables, figures and one HTML page from run folders. Knows no torch; its libraries load when a report is built."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Built", "build"]


class Built(NamedTuple):
    """What `build` made.

    Attributes:
        page: the self-contained HTML page.
        table_text: the tables as Markdown, for a terminal.
        notes: one line each on what the report could not use or draw, and why.
    """

    page: Path
    table_text: str
    notes: list[str]


def build(studies: Sequence[Path], *, target: float = 0.9, tolerance: float = 0.05) -> Built:
    """Report on the runs of these studies, written to `report/` in the folder of the first.

    Args:
        target: val accuracy (0-1) that "epochs to target" waits for.
        tolerance: val accuracy (0-1) that a usable learning rate may lie below the best.

    Errors: BadInput where a folder is no study or holds no run that can be read.
    """
    from bnlab.report.builder import write_report  # pandas and matplotlib cost a second

    return write_report(studies, target, tolerance)
