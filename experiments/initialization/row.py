"""The rows of the table, their verdicts, and the table as CSV and Markdown."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Self


@dataclass(frozen=True)
class Row:
    """One number against its closed form.

    Attributes:
        expected: by the closed form, or as published; null where there is neither.
        measured: mean over seeds.
        spread: standard deviation over seeds; null for one seed.
        tolerance: largest difference that holds; null for what is only reported.
    """

    check: str
    quantity: str
    setting: str
    expected: float | None
    measured: float
    spread: float | None
    seeds: int
    tolerance: float | None

    @classmethod
    def of(
        cls, check: str, quantity: str, setting: str, values: Sequence[float], *, expected: float | None = None,
        tolerance: float | None = None,
    ) -> Self:  # fmt: skip
        """The row of one value a seed."""
        spread = stdev(values) if len(values) > 1 else None
        return cls(check, quantity, setting, expected, fmean(values), spread, len(values), tolerance)

    @property
    def verdict(self) -> str:
        if self.tolerance is None or self.expected is None:
            return "reported"
        return "holds" if abs(self.measured - self.expected) <= self.tolerance else "does not hold"


COLUMNS = [field.name for field in fields(Row)] + ["verdict"]


def write(rows: Sequence[Row], folder: Path, how: str) -> None:
    """checks.csv and checks.md."""
    with (folder / "checks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            values = (getattr(row, column) for column in COLUMNS)
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
    head = f"Written by `make.py` ({how}); do not edit. The same numbers in [checks.csv](checks.csv)."
    lines = ["# Closed forms at initialization", "", head]
    shown = COLUMNS[1:]
    for check, own in groupby(rows, lambda row: row.check):
        lines += ["", f"## {check}", "", "| " + " | ".join(shown) + " |", "|---" * len(shown) + "|"]
        lines += ["| " + " | ".join(_cell(getattr(row, column), column) for column in shown) + " |" for row in own]
    (folder / "checks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(value: str | float | None, column: str) -> str:
    if value is None:
        return ""
    digits = 2 if column in ("spread", "tolerance") else 4
    return value if isinstance(value, str) else f"{value:.{digits}g}"
