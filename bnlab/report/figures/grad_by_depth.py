"""Gradient norm of each weight by depth, at initialization and after training."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bnlab.report.figures._legend import above
from bnlab.report.frame import Frame, span
from bnlab.report.parts import Drawn, Missing

TITLE = "Gradient norm by depth"
ORDER = 40

_INSIDE = 4  # conditions whose legend finds a place beside the lines
_MOMENTS = ("initialization", "last recorded step")


def draw(frame: Frame) -> Drawn | Missing:
    """Two pictures for each panel of conditions: at step 0 and at the last step where gradients were recorded."""
    data = gather(frame)
    if data.empty:
        return Missing("no complete run has recorded weight_grad_norm in layers.csv")
    inside = len(frame.panels) == 1 and len(frame.panels[0][1]) <= _INSIDE
    figure = Figure(figsize=(10, (3.4 if inside else 3.8) * len(frame.panels)), layout="constrained")
    grid = figure.subplots(len(frame.panels), 2, sharex=True, sharey=True, squeeze=False)
    for row, (title, places) in zip(grid, frame.panels, strict=True):
        for axes, moment in zip(row, _MOMENTS, strict=True):
            _panel(axes, frame, data[data["moment"] == moment], places)
            axes.set_title(f"{title} – {moment}" if title else moment)
        row[0].set_ylabel("gradient norm of the weight")
        handles = row[0].get_legend_handles_labels()[0]
        if inside:
            row[0].legend(handles=handles, fontsize="small", handlelength=3.2)
        else:
            above(row[0], handles, 4.5, 18)
    for axes in grid[-1]:
        axes.set_xlabel("depth of the unit (0: next to the input)")
    caption = (
        f"L2 norm of each weight's gradient by depth of its unit, each condition at its best learning rate, as soon as "
        f"it is initialized and at the last recorded step. Line: mean over seeds "
        f"({span(data.groupby('condition')['seed'].nunique())}) and over weights at one depth; band: from the lowest "
        f"to the highest seed. {frame.arrangement}Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """condition, lr, seed, moment, step, site, depth, value: of the complete runs at each condition's best rate."""
    layers, sites = frame.source.layers, frame.source.sites
    layers = layers[(layers["diagnostic"] == "weight_grad_norm") & np.isfinite(layers["value"])]
    values = layers.merge(sites[["run_id", "site", "depth"]], on=["run_id", "site"])
    rows: list[dict[str, Any]] = []
    for place, condition in enumerate(frame.conditions):
        for _, run in frame.at_shown(place).iterrows():
            mine = values[values["run_id"] == run["run_id"]]
            last = mine["step"].max()
            for moment, step in zip(_MOMENTS, (0, last), strict=True):
                if step == 0 and moment != _MOMENTS[0]:
                    continue  # nothing was recorded after initialization
                for _, one in mine[mine["step"] == step].sort_values(["depth", "site"]).iterrows():
                    rows.append(
                        {"condition": condition.label, "lr": run["lr"], "seed": run["seed"], "moment": moment}
                        | {name: one[name] for name in ("step", "site", "depth", "value")}
                    )
    return pd.DataFrame(rows, columns=["condition", "lr", "seed", "moment", "step", "site", "depth", "value"])


def _panel(axes: Axes, frame: Frame, data: pd.DataFrame, places: list[int]) -> None:
    for place in places:
        condition, style = frame.conditions[place], frame.styles[place]
        mine = data[(data["condition"] == condition.label) & (data["value"] > 0)]
        if mine.empty:
            continue
        seeds = mine.groupby(["depth", "seed"])["value"].mean().groupby("depth").agg(["mean", "min", "max"])
        axes.plot(
            seeds.index,
            seeds["mean"],
            color=style.colour,
            linestyle=style.line,
            marker=style.marker,
            markersize=5,
            label=f"{frame.name(place)}, lr {mine['lr'].iloc[0]:g}",
        )
        axes.fill_between(seeds.index, seeds["min"], seeds["max"], color=style.colour, alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
