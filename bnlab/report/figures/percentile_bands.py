"""Percentiles of the activations through training at one site deep in the net (Ioffe & Szegedy 2015, fig. 1)."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.figures import _axis
from bnlab.report.figures._chosen import named, thinned, turns
from bnlab.report.figures._legend import across
from bnlab.report.figures._recorded import at_one_kind, missing, recorded
from bnlab.report.figures._seeds import limits, over_seeds
from bnlab.report.figures._title import broken
from bnlab.report.frame import Frame, span
from bnlab.report.interface import Drawn, Missing
from bnlab.report.style import Style

TITLE = "Percentiles of activations through training"
ORDER = 52

_MOST = 24  # conditions
_DATA = ["condition", "lr", "diagnostic", "site", "step", "percentile", "n", "mean", "low", "high", "least", "greatest"]
_REACH = 10  # a panel this many times as high as the median one does not set the shared axis


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a panel per condition, all with the same axes."""
    data = gather(frame)
    if data.empty:
        return missing("percentiles of activations", "diagnostics=[light,activation_percentiles]")
    known = sorted(set(data["place"]))
    places = turns(frame, known, _MOST)
    many = across(len(places))
    down = math.ceil(len(places) / many)
    figure = Figure(figsize=(10, 0.4 + 2.3 * down), layout="constrained")
    grid = figure.subplots(down, many, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(places) :]:
        axes.remove()
    for axes, place in zip(grid.flat, places, strict=False):
        _panel(axes, data[data["place"] == place], frame.styles[place])
        axes.set_title(broken(named(frame, place), 10 / many - 0.5))
    for axes in grid.flat[max(0, len(places) - many) : len(places)]:
        axes.tick_params(labelbottom=True)  # there may be no panel below
    shared, cut = _limits(data[data["place"].isin(places)])
    grid[0, 0].set_ylim(shared)
    figure.supxlabel("step", fontsize="medium")
    figure.supylabel("activation", fontsize="medium")
    percent = sorted(set(data["percentile"]))
    what = "one unit's activations" if data["diagnostic"].iloc[0] == "unit_percentile" else "the activations"
    caption = (
        f"Percentiles ({', '.join(f'{value:g}' for value in percent)}) of {what} through training at the deepest "
        f"{data['kind'].iloc[0]} site ({', '.join(sorted(set(data['site'])))}; after the norm, if there "
        f"is one), each condition at its best learning rate. Lines: means over {span(data['n'])}; thick: the one "
        f"nearest to the median; band: from the lowest percentile to the highest. "
        f"{'Values far outside the range of the other panels are cut off. ' if cut else ''}"
        f"{thinned(len(places), len(known), 'conditions')}Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    return Drawn(figure, data.assign(condition=names)[_DATA], caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return place, kind and the columns of the data: one row per percentile and step, at the deepest site."""
    rows = at_one_kind(recorded(frame, "activation_percentile", "unit_percentile"))
    units = rows["diagnostic"] == "unit_percentile"
    rows = rows[units] if units.any() else rows
    rows = rows[rows["depth"] == rows.groupby("place")["depth"].transform("max")]
    rows = rows.assign(percentile=pd.to_numeric(rows["index"]))
    return over_seeds(rows, ["place", "lr", "diagnostic", "site", "kind", "percentile", "step"], log=False)


def _panel(axes: Axes, data: pd.DataFrame, style: Style) -> None:
    steps = sorted(set(data["step"]))
    percentiles = sorted(set(map(float, data["percentile"])))
    lines = [data[data["percentile"] == percent].set_index("step")["mean"].reindex(steps) for percent in percentiles]
    middle = min(percentiles, key=lambda percent: abs(percent - 50))
    for percent, line in zip(percentiles, lines, strict=True):
        axes.plot(steps, line, color=style.colour, linewidth=1.9 if percent == middle else 0.9)
    axes.fill_between(steps, lines[0], lines[-1], color=style.colour, alpha=0.2, linewidth=0)
    _axis.steps(axes, steps)


def _limits(data: pd.DataFrame) -> tuple[tuple[float, float] | None, bool]:
    """Return limits for all panels except those that would flatten the others, and whether there are such panels."""
    ends = data.groupby("place").agg(least=("mean", "min"), greatest=("mean", "max"))
    heights = ends["greatest"].sub(ends["least"])
    kept = ends[heights.le(_REACH * heights.median())]
    return limits(kept, log=False), len(kept) < len(ends)
