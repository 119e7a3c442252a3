"""Colour, line and marker of each condition, the same throughout a report.

Colour-blind readers can distinguish the colours of Okabe and Ito (Color Universal Design, 2008); line and marker vary
along with them, so that a grey print is readable too.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bnlab.report.condition import Condition

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)), (0, (2, 1)))
_MARKERS = ("o", "s", "D", "v", "P", "X", "*")
GREY = "#6E6E6E"


class Style(NamedTuple):
    colour: str
    line: Any
    marker: str


def styles(conditions: Sequence[Condition]) -> list[Style]:
    """Return a style for each condition: by norm (`none` is always grey), or by variant if there is only one norm."""
    norms = list(dict.fromkeys(condition.norm for condition in conditions))
    if len(norms) == 1 and len(conditions) > 1:
        return [_style(place) for place in range(len(conditions))]
    known = [norm for norm in norms if norm != "none"]
    return [
        Style(GREY, (0, (1.2, 1.2)), "^") if condition.norm == "none" else _style(known.index(condition.norm))
        for condition in conditions
    ]


def _style(place: int) -> Style:
    return Style(COLOURS[place % 6], _LINES[place % 5], _MARKERS[place % 7])


# Settings of every figure. SVG keeps text as text and has no date, so that the same numbers give the same file.
RC: Any = {
    "svg.hashsalt": "bnlab",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.edgecolor": "#555555",
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "figure.dpi": 100,
    "savefig.dpi": 160,
}
