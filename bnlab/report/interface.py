"""The interface of tables and figures, and their discovery: a new one is one new file.

A module of `tables/` has `TITLE`, `ORDER` (position on the page) and `table(frame) -> Table | Missing`; a module of
`figures/` has `TITLE`, `ORDER` and `draw(frame) -> Drawn | Missing`. Modules that begin with `_` hold shared code.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure


class Missing(NamedTuple):
    """Result of a table or figure that has nothing to show.

    Attributes:
        reason: why, a sentence without its full stop.
        again: whether runs would have to be trained again, with more diagnostics.
    """

    reason: str
    again: bool = False


class Drawn(NamedTuple):
    """A figure, the numbers in it and its caption."""

    figure: Figure
    data: pd.DataFrame
    caption: str


class Table(NamedTuple):
    """A table: `data` for machines, `shown` (text) for people, the notes below it."""

    data: pd.DataFrame
    shown: pd.DataFrame
    caption: str
    notes: list[str]


def modules(room: str) -> dict[str, ModuleType]:
    """Return the modules of `bnlab/report/<room>/` by name, in the order of the page."""
    names = sorted(path.stem for path in (Path(__file__).parent / room).glob("*.py") if not path.stem.startswith("_"))
    found = {name: importlib.import_module(f"bnlab.report.{room}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
