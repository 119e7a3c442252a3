"""Quantities measured per site: by depth (or another index) at the first and the last look, and through training.

Shared code of the figures of gradients, ranks, drifts and ratios.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bnlab.report.figures import _axis
from bnlab.report.figures._blocks import blocks, line
from bnlab.report.figures._recorded import silent
from bnlab.report.figures._seeds import NOTE, limits, over_seeds
from bnlab.report.frame import Frame, span
from bnlab.report.interface import Drawn

View = Literal["first", "last", "through"]
DEPTH = "depth of the unit (0: next to the input)"

_HEIGHT, _SPARE = 2.2, 0.3  # inches of one row of axes, and of the labels below the last one
_DATA = ["condition", "lr", "diagnostic", "view", "step", "x", "n", "mean", "low", "high", "least", "greatest"]


class Quantity(NamedTuple):
    """A diagnostic, the label of its axis (with the unit), and whether the axis is logarithmic."""

    diagnostic: str
    label: str
    log: bool = True


def draw(
    frame: Frame, rows: pd.DataFrame, quantities: Sequence[Quantity], views: Sequence[View], caption: str,
    across: tuple[str, str] = ("depth", DEPTH),
) -> Drawn:  # fmt: skip
    """Draw those quantities that are among `rows` (at least one row).

    Args:
        rows: see `_recorded.recorded`.
        caption: what is drawn, in whole sentences.
        across: the column on the horizontal axis of a look, and the label of that axis.
    """
    known = set(rows["diagnostic"])
    quantities = [one for one in quantities if one.diagnostic in known]
    data = gather(rows, quantities, views, across[0])
    views = [view for view in views if view in set(data["view"])]
    figure = _layout(frame, data, quantities, views, across[1])
    averaged = "Through training, the sites of a run are averaged. " if "through" in views else ""
    text = (
        f"{caption} Each condition at its best learning rate, {span(rows.groupby('place')['seed'].nunique())} of "
        f"complete runs. {averaged}{NOTE}{frame.arrangement}{silent(frame, set(rows['place']))}"
        f"Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    return Drawn(figure, data.drop(columns="place").assign(condition=names)[_DATA], text)


def gather(rows: pd.DataFrame, quantities: Sequence[Quantity], views: Sequence[View], column: str) -> pd.DataFrame:
    """Return place, lr, diagnostic, view, step, x and the columns of `_seeds.over_seeds`, one row per drawn point.

    x is `column` in a look and the step through training; step is that of the look (the latest, if runs differ).
    """
    found = []
    for quantity in quantities:
        mine = rows[rows["diagnostic"] == quantity.diagnostic]
        by_run = mine.groupby("run_id")["step"]
        first, last = by_run.transform("min"), by_run.transform("max")
        chosen = {"first": mine["step"] == first, "last": (mine["step"] == last) & (last > first)}
        for view in views:
            some = mine[chosen[view]] if view != "through" else mine
            some = some.assign(x=pd.to_numeric(some["step" if view == "through" else column]))
            points = over_seeds(some, ["place", "lr", "x"], log=quantity.log)
            step = some.groupby(["place", "lr", "x"])["step"].max().reset_index(drop=True)
            found.append(points.assign(diagnostic=quantity.diagnostic, view=view, step=step))
    return pd.concat([part for part in found if len(part)], ignore_index=True)


def _layout(
    frame: Frame, data: pd.DataFrame, quantities: Sequence[Quantity], views: Sequence[View], xlabel: str
) -> Figure:
    """Lay out a row per quantity and a column per view, or the transpose for three quantities."""
    turned = len(quantities) == 3
    rows, many = (len(views), len(quantities)) if turned else (len(quantities), len(views))
    figure, found = blocks(frame, set(data["place"]), _HEIGHT * rows + _SPARE)
    shared: dict[tuple[str, bool], Axes] = {}
    for block in found:
        grid = block.part.add_gridspec(rows, many)
        for number, along in np.ndindex(len(quantities), len(views)):
            quantity, view = quantities[number], views[along]
            through = view == "through"
            here = (along, number) if turned else (number, along)
            axes = block.part.add_subplot(grid[here], sharey=shared.get((quantity.diagnostic, through)))
            shared.setdefault((quantity.diagnostic, through), axes)
            every = data[(data["diagnostic"] == quantity.diagnostic) & (data["view"].eq("through") == through)]
            points = every[every["view"] == view]
            for place in block.places:
                line(axes, points[points["place"] == place], "x", frame.styles[place])
            _axis.values(axes, limits(every, log=quantity.log), log=quantity.log)
            axes.set_title(_title(view, points["step"]))
            if along == 0 or turned:
                axes.set_ylabel(quantity.label, fontsize=9)
            if turned or number == len(quantities) - 1:
                axes.set_xlabel("step" if through else xlabel)
            if through:
                _axis.steps(axes, sorted(set(points["x"])))
            else:
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
                axes.set_xlim(*_ends(data[data["view"] != "through"]["x"]))
    return figure


def _ends(x: pd.Series) -> tuple[float, float]:
    """Return the limits of the horizontal axis of looks, the same for all quantities wherever they are measured."""
    low, high = float(x.min()), float(x.max())
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _title(view: View, steps: pd.Series) -> str:
    if view == "through":
        return "through training"
    low, high = steps.min(), steps.max()
    when = "at initialization" if high == 0 else f"at step {low}" if low == high else f"at steps {low} to {high}"
    return when if view == "first" else f"{when}, the last look"
