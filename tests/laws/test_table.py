"""Rows as CSV and as Markdown."""

import csv
import io

from bnlab.laws.row import Row
from bnlab.laws.table import COLUMNS, TITLE, csv_text, markdown

ROWS = [
    Row("a", "q", "s", (1.0, 1.1), expected=1.0, tolerance=0.1),
    Row("a", "q", "t, u", (1 / 3,), expected=1.0, tolerance=0.1),
    Row("b", "q", "u", (1.0,)),
]


def test_csv_has_a_row_each_with_its_verdict() -> None:
    read = list(csv.DictReader(io.StringIO(csv_text(ROWS))))
    assert list(read[0]) == list(COLUMNS)
    assert [row["law"] for row in read] == ["a", "a", "b"]
    assert [row["verdict"] for row in read] == ["holds", "does not hold", "reported"]
    assert [row["spread"] for row in read] == ["0.0707107", "", ""]
    assert (read[1]["setting"], read[1]["measured"]) == ("t, u", "0.333333")


def test_markdown_has_a_table_for_each_law() -> None:
    text = markdown(ROWS, "`me`")
    assert text.startswith(f"{TITLE}\n\nWritten by `me`; do not edit.")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## a", "## b"]
    assert text.count("\n| q |") == 3
    assert "| q | t, u | 1 | 0.3333 |  | 1 | 0.1 | does not hold |" in text
