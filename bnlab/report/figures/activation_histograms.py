"""Distributions of activations by site, conditions side by side, at initialization and after training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.frame import Frame
from bnlab.report.parts import Drawn, Missing
from bnlab.report.style import Style

TITLE = "Activation distributions"
ORDER = 50

_KINDS = ("before_act", "after_act", "hidden", "cell")  # drawn is the first of these that was recorded
_ROWS, _COLUMNS = 8, 6
_INSIDE = 0.99  # share of the values that the horizontal axis shows


def draw(frame: Frame) -> Drawn | Missing:
    """A row for each site from input to output, a column for each condition."""
    data = gather(frame)
    if data.empty:
        return Missing("no complete run has recorded activation histograms in histograms.csv")
    sites = _spread(list(data.sort_values(["depth", "site"])["site"].unique()), _ROWS)
    labels = [one.label for one in frame.conditions if one.label in set(data["condition"])]
    places = _chosen(frame, [place for place, one in enumerate(frame.conditions) if one.label in labels], _COLUMNS)
    titles = [_title(frame, place) for place in places]
    height = 0.7 + 0.17 * max(title.count("\n") + 1 for title in titles) + 1.05 * len(sites)
    figure = Figure(figsize=(10, height), layout="constrained")
    grid = figure.subplots(len(sites), len(places), sharex="row", squeeze=False)
    for row, site in zip(grid, sites, strict=True):
        here = data[data["site"] == site]
        limits = _limits(here[here["condition"].isin([frame.conditions[place].label for place in places])])
        for axes, place in zip(row, places, strict=True):
            mine = here[here["condition"] == frame.conditions[place].label]
            _panel(axes, mine, frame.styles[place])
            axes.set(xlim=limits, ylim=(0, 1.08), yticks=[])
        row[0].set_ylabel(site, rotation=0, ha="right", va="center", fontsize=8)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=8.5)
    figure.supxlabel("activation", fontsize="medium")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=2, fontsize="small")
    total = data["site"].nunique()
    chosen = f" {len(sites)} of {total} sites are drawn." if total > len(sites) else ""
    chosen += f" {len(places)} of {len(labels)} conditions are drawn." if len(labels) > len(places) else ""
    caption = (
        f"Distribution of the activations at {data['kind'].iloc[0]} sites (input at the top; after the norm, where one "
        f"stands there), each condition at its best learning rate, one run each (the lowest seed), at initialization "
        f"and at the last recorded step. Heights are relative to each histogram's peak; a row shares its axis, which "
        f"holds {100 * _INSIDE:g} % of the values of each histogram in it.{chosen} Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """One row a bin: condition, lr, seed, site, kind, depth, moment, step, left, right, count; one run a condition."""
    histograms, sites = frame.source.histograms, frame.source.sites
    histograms = histograms[histograms["quantity"] == "activation"]
    joined = histograms.merge(sites[["run_id", "site", "kind", "depth"]], on=["run_id", "site"])
    parts = []
    for place, condition in enumerate(frame.conditions):
        runs = frame.at_shown(place)
        runs = runs[runs["run_id"].isin(joined["run_id"])]
        if runs.empty:
            continue
        run = runs.iloc[0]
        mine = joined[joined["run_id"] == run["run_id"]]
        last = mine["step"].max()
        mine = mine[mine["step"].isin([0, last])].assign(condition=condition.label, lr=run["lr"], seed=run["seed"])
        parts.append(mine.assign(moment=np.where(mine["step"] == 0, "initialization", "after training")))
    columns = ["condition", "lr", "seed", "site", "kind", "depth", "moment", "step", "left", "right", "count"]
    if not parts:
        return pd.DataFrame(columns=columns)
    found = pd.concat(parts, ignore_index=True)[columns]
    kinds = list(found["kind"].unique())
    kind = next((kind for kind in _KINDS if kind in kinds), kinds[0])
    return found[found["kind"] == kind].sort_values(["condition", "depth", "site", "step", "left"], ignore_index=True)


def _title(frame: Frame, place: int) -> str:
    """A condition and its rate on short lines: columns are narrow."""
    name = frame.conditions[place].label.replace(" · ", "\n").replace("+", " +\n")
    return f"{name}\nlr {frame.sensitivity[place].shown_lr:g}"


def _chosen(frame: Frame, places: list[int], most: int) -> list[int]:
    """At most this many conditions: the first of each norm, then the second …, in the report's order."""
    seen: dict[str, int] = {}
    turns = []
    for place in places:
        turns.append((seen.setdefault(frame.conditions[place].norm, 0), place))
        seen[frame.conditions[place].norm] += 1
    return sorted(place for _, place in sorted(turns)[:most])


def _spread(sites: list[str], most: int) -> list[str]:
    """At most this many, evenly from the first to the last."""
    if len(sites) <= most:
        return sites
    return [sites[round(place)] for place in np.linspace(0, len(sites) - 1, most)]


def _panel(axes: Axes, data: pd.DataFrame, style: Style) -> None:
    for moment in ("initialization", "after training"):
        bins = data[data["moment"] == moment]
        if bins["count"].sum() == 0:
            continue
        density = bins["count"] / (bins["right"] - bins["left"])
        edges = [*bins["left"], bins["right"].iloc[-1]]
        height = density / density.max()
        if moment == "initialization":
            axes.stairs(height, edges, color="#333333", linewidth=1.0, label=moment, zorder=3)
        else:
            axes.stairs(height, edges, fill=True, color=style.colour, alpha=0.55, label=moment)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelsize=7.5)
    axes.locator_params(axis="x", nbins=5)


def _limits(data: pd.DataFrame) -> tuple[float, float]:
    """An axis that holds the middle of each histogram."""
    lows, highs = [], []
    for _, bins in data[data["count"] > 0].groupby(["condition", "moment"]):
        share = bins["count"].cumsum() / bins["count"].sum()
        lows.append(float(bins["left"][share > (1 - _INSIDE) / 2].min()))
        highs.append(float(bins["right"][(share - bins["count"] / bins["count"].sum()) < (1 + _INSIDE) / 2].max()))
    return (min(lows), max(highs)) if lows else (0.0, 1.0)
