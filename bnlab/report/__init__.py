"""Tables, figures and one HTML page from run folders. Knows no torch; its libraries load when a report is built."""

from collections.abc import Sequence
from pathlib import Path

from bnlab.report.built import Built, Verdict
from bnlab.report.escaping import as_markdown

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
    """Report on the runs of these studies.

    Args:
        target: val accuracy (0-1) that "epochs to target" waits for.
        tolerance: val accuracy (0-1) that a usable learning rate may lie below the best.
        out: the report's folder, made where there is none. By default `report/` in the folder of a single study;
            `report_A_B` beside the first of several, whose own report stays (`report_A_B_2` where that is another's).
        pdf: each figure as PDF too.
        verdicts: what the page shows first; one of runs that are no longer there is left out and counted.
        command: what repeats the report, for its page.
        remark: what a reader should know before all else; "" where there is nothing.
        notes: what else could not be used, for its notes.

    Raises:
        BadInput: a folder is no study or holds no run that can be read, or the report's folder cannot be written, or
            holds a run, another report or files that are not known to be a report's.
    """
    from bnlab.report.builder import Request, write_report  # pandas and matplotlib cost a second

    return write_report(
        Request(tuple(map(Path, studies)), target, tolerance, out, pdf, tuple(verdicts), command, remark, tuple(notes))
    )
