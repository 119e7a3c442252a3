"""Val accuracy against learning rate: how wide a range of rates each condition stands."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab.report.frame import Frame
from bnlab.report.parts import Drawn, Missing

TITLE = "Accuracy against learning rate"
ORDER = 10

_TICKS = 8  # more rates than this would run into each other: powers of ten then


def draw(frame: Frame) -> Drawn | Missing:
    """Mean, interval and seeds at each rate; below, the share of seeds that diverged."""
    if not frame.has_accuracy:
        return Missing("no finished run has a val accuracy")
    data = gather(frame)
    across = min(3, len(frame.panels))
    down = math.ceil(len(frame.panels) / across)
    counts = data.drop_duplicates(["condition", "lr"])
    strip = counts["diverged"].gt(0).any()
    most = max(len(places) for _, places in frame.panels)
    ratios = [3.4, 0.22 * most + 0.1] if strip else [1.0]
    figure = Figure(
        figsize=(8 if across == 1 else 11, down * (sum(ratios) + 0.8 if strip else 4)), layout="constrained"
    )
    outer = figure.subfigures(down, across, squeeze=False)
    first: Axes | None = None
    for place, (title, places) in enumerate(frame.panels):
        part = outer[place // across, place % across]
        grid = part.add_gridspec(len(ratios), 1, height_ratios=ratios)
        upper = part.add_subplot(grid[0], sharex=first, sharey=first)
        first = first or upper
        _accuracies(upper, frame, data, places)
        upper.set_title(title)
        if strip:
            lower = part.add_subplot(grid[1], sharex=upper)
            _divergence(lower, frame, counts, places)
            upper.tick_params(labelbottom=False)
        part.axes[-1].set_xlabel("learning rate")
    if first and len(frame.rates) <= _TICKS:
        first.set_xticks(frame.rates, [f"{rate:g}" for rate in frame.rates])
        first.minorticks_off()
    caption = (
        f"Val accuracy at the last evaluation by learning rate. Line: mean over the seeds that did not diverge; band: "
        f"95 % t-interval over seeds ({frame.seeds} a rate; none for one seed); small dots: single seeds; hollow: some "
        f"seed diverged there. {'Crosses below: seeds diverged of those finished. ' if strip else ''}"
        f"Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """One row a run with its cell: condition, lr, complete … absent, mean, half, seed, status, val_accuracy.

    A cell without runs has one row, its seed empty.
    """
    rows: list[dict[str, Any]] = []
    for place, cells in enumerate(frame.cells):
        for cell in cells:
            counts = {
                name: getattr(cell, name) for name in ("complete", "diverged", "failed", "running", "refused", "absent")
            }
            shared = {"condition": frame.conditions[place].label, "lr": cell.lr, **counts}
            shared |= {"mean": cell.val.mean, "half": cell.val.half}
            runs = frame.of(place, cell.lr).sort_values("seed")
            for _, run in runs.iterrows():
                rows.append(shared | {name: run[name] for name in ("seed", "status", "val_accuracy")})
            if runs.empty:
                rows.append(shared | {"seed": None, "status": None, "val_accuracy": None})
    return pd.DataFrame(rows)


def _accuracies(axes: Axes, frame: Frame, data: pd.DataFrame, places: list[int]) -> None:
    for number, place in enumerate(places):
        name, style = frame.conditions[place].label, frame.styles[place]
        mine = data[(data["condition"] == name) & data["mean"].notna()]
        cells = mine.drop_duplicates("lr")
        # Side by side on the log axis, so that the seeds of one condition do not hide another's.
        shift = 1.035 ** (number - (len(places) - 1) / 2)
        axes.fill_between(
            cells["lr"] * shift,
            cells["mean"] - cells["half"],
            cells["mean"] + cells["half"],
            color=style.colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(cells["lr"] * shift, cells["mean"], color=style.colour, linestyle=style.line, zorder=3)
        for hollow in (False, True):  # hollow: a mean of the seeds that are left
            some = cells[cells["diverged"].gt(0) == hollow]
            face = "white" if hollow else style.colour
            axes.plot(
                some["lr"] * shift,
                some["mean"],
                linestyle="none",
                marker=style.marker,
                color=style.colour,
                markerfacecolor=face,
                markersize=6,
                zorder=4,
            )
        seeds = mine[mine["status"] == "complete"]
        axes.plot(seeds["lr"] * shift, seeds["val_accuracy"], ".", color=style.colour, markersize=3.5, alpha=0.7)
    classes = {frame.classes(place) for place in places}
    for number in sorted(value for value in classes if value):
        axes.axhline(1 / number, color="#999999", linewidth=0.8, linestyle=":", zorder=1)
        axes.annotate(
            "chance", (1, 1 / number), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8
        )
    axes.set(xscale="log", ylabel="val accuracy", ylim=(0, 1.03))
    handles = [
        Line2D(
            [], [], color=style.colour, linestyle=style.line, marker=style.marker, label=frame.conditions[place].label
        )
        for place in places
        for style in [frame.styles[place]]
    ]
    axes.legend(handles=handles, loc="best", fontsize="small", handlelength=3.2)


def _divergence(axes: Axes, frame: Frame, counts: pd.DataFrame, places: list[int]) -> None:
    """One line a condition: a cross and "k/n" at each rate where k of n finished seeds diverged."""
    for line, place in enumerate(places):
        name, colour = frame.conditions[place].label, frame.styles[place].colour
        for _, cell in counts[(counts["condition"] == name) & counts["diverged"].gt(0)].iterrows():
            axes.plot(cell["lr"], line, marker="x", color=colour, markersize=6, markeredgewidth=1.6)
            share = f"{cell['diverged']}/{cell['diverged'] + cell['complete']}"
            axes.annotate(
                share, (cell["lr"], line), (6, 0), textcoords="offset points", va="center", color=colour, fontsize=8
            )
    labels = [frame.conditions[place].norm for place in places]
    axes.set(ylim=(len(places) - 0.4, -0.6))
    axes.set_yticks(range(len(places)), labels if len(set(labels)) > 1 else [frame.conditions[p].label for p in places])
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_ylabel("diverged", fontsize=8)
    axes.grid(visible=False)
