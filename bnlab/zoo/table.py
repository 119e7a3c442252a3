"""The table of the zoo as CSV: one row per norm."""

import csv
import io
from collections.abc import Sequence

from bnlab.runs.cell import inert
from bnlab.zoo.measure import Measured
from bnlab.zoo.shared import REFUSED

Cell = str | float | None


def cells(row: Measured) -> dict[str, Cell]:
    """Return the columns of a norm; None where nothing can be measured. Those on time are missing if it was not."""
    found: dict[str, Cell] = {
        "norm": row.norm,
        "acts_on": row.acts_on,
        "axes": row.axes,
        "axes_mlp": row.axes_mlp,
        "axes_eval": row.axes_eval,
        "parameters": row.parameters,
        "state": row.state,
        **row.modes._asdict(),
        "refused": "; ".join(row.refused),
        "reasons": " | ".join(dict.fromkeys(row.refused.values())),
        "source": row.source,
    }
    for case, ratio in row.times.items():
        median, low, high = (REFUSED, None, None) if ratio is None else ratio
        found |= {case: median, f"{case}_low": low, f"{case}_high": high}
    return found


def table(rows: Sequence[Measured]) -> str:
    """Return the CSV; numbers have six digits."""
    text = io.StringIO()
    lines = [cells(row) for row in rows]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else inert(v) for key, v in line.items()})
    return text.getvalue()


def shown(row: Measured, column: str, *, intervals: bool = True) -> str:
    """Return a cell for people: numbers with two digits, times with their intervals ("0.99 [0.93, 1.3]")."""
    line = cells(row)
    low, high = (line.get(f"{column}_{end}") for end in ("low", "high"))
    text = _text(line[column])
    return text if low is None or not intervals else f"{text} [{_text(low)}, {_text(high)}]"


def _text(value: Cell) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.2g}" if value < 10 else f"{value:.0f}"
