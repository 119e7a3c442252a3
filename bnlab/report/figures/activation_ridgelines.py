"""Distributions of activations through training: a ridge for each look."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.escaping import clipped
from bnlab.report.figures._chosen import heading, one_run, spread, thinned, turns
from bnlab.report.figures._histogram import INSIDE, heights, limits
from bnlab.report.figures._recorded import at_one_kind, joined, missing
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.style import Style

TITLE = "Activation distributions through training"
ORDER = 51

_SITES, _CONDITIONS, _LOOKS = 3, 6, 10
_FEWEST = 3  # looks; the figure of distributions already shows two
_DATA = ["condition", "lr", "seed", "site", "kind", "depth", "step", "left", "right", "count"]
_RIDGE = 1.7  # height of a ridge, in distances between ridges


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per selected site from input to output and a column per condition."""
    data = gather(frame)
    if data.empty:
        return missing(
            f"activation histograms at {_FEWEST} steps or more",
            "diagnostics.activation_histogram.when=[init,epoch,last]",
        )
    sites = list(data.sort_values(["depth", "site"])["site"].unique())
    known = sorted(set(data["place"]))
    places = turns(frame, known, _CONDITIONS)
    titles = [heading(frame, place) for place in places]
    many = max(data.groupby("place")["step"].nunique())
    height = 0.5 + 0.17 * max(title.count("\n") + 1 for title in titles) + len(sites) * (0.55 + 0.17 * many)
    figure = Figure(figsize=(10, height), layout="constrained")
    grid = figure.subplots(len(sites), len(places), sharex="row", squeeze=False)
    for row, site in zip(grid, sites, strict=True):
        here = data[(data["site"] == site) & data["place"].isin(places)]
        shared = limits(here, ["place", "step"])
        steps: list[int] = []
        for axes, place in zip(row, places, strict=True):
            before, steps = steps, _ridges(axes, here[here["place"] == place], frame.styles[place])
            axes.set_xlim(shared)
            axes.tick_params(labelleft=steps != before)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=8.5)
    for row, site in zip(grid, sites, strict=True):
        row[0].set_ylabel(f"{clipped(site, 40)}\nstep", fontsize=8)
    figure.supxlabel("activation", fontsize="medium")
    caption = (
        f"Distribution of the activations through training at {data['kind'].iloc[0]} sites (the first, the middle and "
        f"the last; after the norm, if there is one), each condition at its best learning rate, one run each "
        f"(the lowest seed). One ridge per look, from the bottom up, its height relative to its peak; a row shares its "
        f"axis, which shows {100 * INSIDE:g} % of the values of each ridge in it. At most {_LOOKS} looks are drawn. "
        f"{thinned(len(places), len(known), 'conditions')}Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    return Drawn(figure, data.assign(condition=names)[_DATA], caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return place and the columns of the data: one row per bin, of one run per condition with enough looks."""
    histograms = frame.table("histograms")
    rows = one_run(at_one_kind(joined(frame, histograms[histograms["quantity"] == "activation"])))
    rows = rows[rows.groupby("place")["step"].transform("nunique") >= _FEWEST]
    sites = spread(list(rows.sort_values(["depth", "site"])["site"].unique()), _SITES)
    rows = rows[rows["site"].isin(sites)]
    parts = [mine[mine["step"].isin(spread(sorted(set(mine["step"])), _LOOKS))] for _, mine in rows.groupby("place")]
    return pd.concat([rows[:0], *parts]).sort_values(["place", "depth", "site", "step", "left"], ignore_index=True)


def _ridges(axes: Axes, data: pd.DataFrame, style: Style) -> list[int]:
    """Draw ridges from the bottom up, lower ones in front; return the steps, the labels of the axis."""
    steps = sorted(set(data["step"]))
    for place, step in enumerate(steps):
        found = heights(data[data["step"] == step])
        if found is not None:
            top, edges = _RIDGE * found[0] + place, found[1]
            axes.stairs(top, edges, baseline=place, fill=True, color=style.colour, alpha=0.5, zorder=3 - 0.1 * place)
            axes.stairs(top, edges, baseline=None, color="#333333", linewidth=0.7, zorder=3.05 - 0.1 * place)
    axes.set_yticks(range(len(steps)), [str(step) for step in steps], fontsize=7)
    axes.set_ylim(-0.15, len(steps) - 1 + _RIDGE + 0.1)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    return steps
