"""Distributions of activations by site, conditions side by side, at initialization and after training."""

import numpy as np
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

TITLE = "Activation distributions"
ORDER = 50

_ROWS, _COLUMNS = 8, 6
_DATA = ["condition", "lr", "seed", "site", "kind", "depth", "moment", "step", "left", "right", "count"]


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per site from input to output and a column per condition."""
    data = gather(frame)
    if data.empty:
        return missing("activation histograms", "diagnostics=light")
    every = list(data.sort_values(["depth", "site"])["site"].unique())
    sites = spread(every, _ROWS)
    known = sorted(set(data["place"]))
    places = turns(frame, known, _COLUMNS)
    titles = [heading(frame, place) for place in places]
    height = 0.7 + 0.17 * max(title.count("\n") + 1 for title in titles) + 1.05 * len(sites)
    figure = Figure(figsize=(10, height), layout="constrained")
    grid = figure.subplots(len(sites), len(places), sharex="row", squeeze=False)
    for row, site in zip(grid, sites, strict=True):
        here = data[data["site"] == site]
        shared = limits(here[here["place"].isin(places)], ["place", "moment"])
        for axes, place in zip(row, places, strict=True):
            _panel(axes, here[here["place"] == place], frame.styles[place])
            axes.set(xlim=shared, ylim=(0, 1.08), yticks=[])
        row[0].set_ylabel(clipped(site, 40), rotation=0, ha="right", va="center", fontsize=8)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=8.5)
    figure.supxlabel("activation", fontsize="medium")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize="small")
    caption = (
        f"Distribution of the activations at {data['kind'].iloc[0]} sites (input at the top; after the norm, if there "
        f"is one), each condition at its best learning rate, one run each (the lowest seed), at initialization "
        f"and at the last recorded step. Heights are relative to each histogram's peak; a row shares its axis, which "
        f"shows {100 * INSIDE:g} % of the values of each histogram in it. {thinned(len(sites), len(every), 'sites')}"
        f"{thinned(len(places), len(known), 'conditions')}Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    return Drawn(figure, data.assign(condition=names)[_DATA], caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return place and the columns of the data: one row per bin, of one run per condition."""
    histograms = frame.table("histograms")
    rows = one_run(at_one_kind(joined(frame, histograms[histograms["quantity"] == "activation"])))
    last = rows.groupby("place")["step"].transform("max")
    rows = rows[(rows["step"] == 0) | (rows["step"] == last)]
    rows = rows.assign(moment=np.where(rows["step"] == 0, "initialization", "after training"))
    return rows.sort_values(["place", "depth", "site", "step", "left"], ignore_index=True)[["place", *_DATA[1:]]]


def _panel(axes: Axes, data: pd.DataFrame, style: Style) -> None:
    for moment in ("initialization", "after training"):
        found = heights(data[data["moment"] == moment])
        if found is None:
            continue
        if moment == "initialization":
            axes.stairs(*found, color="#333333", linewidth=1.0, label=moment, zorder=3)
        else:
            axes.stairs(*found, fill=True, color=style.colour, alpha=0.55, label=moment)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelsize=7.5)
    axes.locator_params(axis="x", nbins=5)
