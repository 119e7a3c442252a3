"""Tables, figures and one HTML page from run folders. Does not import torch; pandas and matplotlib load on demand.

Run folders are read by `bnlab.runs`; claims and their verdicts are in `bnlab.studies`.
"""

from collections.abc import Sequence
from pathlib import Path

from bnlab.report.escaping import as_markdown
from bnlab.report.result import Built, Verdict

__all__ = ["Built", "Verdict", "as_markdown", "build"]


def build(
    studies: Sequence[Path],
    *,
    target: float = 0.9,
    tolerance: float = 0.05,
    out: Path | None = None,
    pdf: bool = False,
    verdicts: Sequence[Verdict] = (),
    command: str = "",
    remark: str = "",
    notes: Sequence[str] = (),
) -> Built:
    """Build the report of these studies.

    Args:
        target: val accuracy (0-1) of "epochs to target".
        tolerance: how far the val accuracy (0-1) of a usable learning rate may lie below the best.
        out: the report's folder, created if missing. Default: `report/` in the folder of a single study; for several
            studies `report_A_B` beside the first one, whose own report is kept (`report_A_B_2` if that is taken).
        pdf: whether to save each figure as PDF too.
        verdicts: shown first on the page; a verdict on runs that no longer exist is left out and counted.
        command: the command that repeats the report, for the page.
        remark: the most important note, shown first; "" for none.
        notes: what else could not be used, for the report's notes.

    Raises:
        BadInput: a folder is not a study or contains no readable run; or the report's folder cannot be written, or
            contains a run, another report or files that may not belong to a report.
    """
    from bnlab.report.builder import Request, write_report  # pandas and matplotlib take a second to import

    return write_report(
        Request(tuple(map(Path, studies)), target, tolerance, out, pdf, tuple(verdicts), command, remark, tuple(notes))
    )
