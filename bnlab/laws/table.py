"""The rows of all measured laws as CSV and as Markdown."""

import csv
import io
from collections.abc import Sequence
from itertools import groupby

from bnlab.laws.row import Row

TITLE = "# Closed forms at initialization"
CSV, MARKDOWN = "checks.csv", "checks.md"
COLUMNS = ("law", "quantity", "setting", "expected", "measured", "spread", "seeds", "tolerance", "verdict")
_DIGITS = {"spread": 2, "tolerance": 2}  # of the others 4


def csv_text(rows: Sequence[Row]) -> str:
    """Return the rows as CSV, numbers with six digits."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = (getattr(row, column) for column in COLUMNS)
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
    return file.getvalue()


def markdown(rows: Sequence[Row], how: str) -> str:
    """Return the rows as Markdown, a table for each law.

    Args:
        how: the command and the versions that the numbers come from.
    """
    lines = [TITLE, "", f"Written by {how}; do not edit. The same numbers in [{CSV}]({CSV})."]
    shown = COLUMNS[1:]
    for law, own in groupby(rows, lambda row: row.law):
        lines += ["", f"## {law}", "", f"| {' | '.join(shown)} |", "|---" * len(shown) + "|"]
        lines += [f"| {' | '.join(cell(row, column) for column in shown)} |" for row in own]
    return "\n".join(lines) + "\n"


def cell(row: Row, column: str) -> str:
    """Return a value of a row as tables show it; empty where there is none."""
    value = getattr(row, column)
    if value is None:
        return ""
    return f"{value:.{_DIGITS.get(column, 4)}g}" if isinstance(value, float) else str(value)
