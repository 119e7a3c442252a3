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
    counts = data.drop_duplicates(["condition", "lr"])
    strip = bool(counts["diverged"].gt(0).any())
    figure = _layout(frame, data, counts if strip else None)
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


def _layout(frame: Frame, data: pd.DataFrame, counts: pd.DataFrame | None) -> Figure:
    """Panels of accuracies, three in a row, each with a strip of what diverged (`counts`) under it if anything did."""
    names = {frame.name(place): frame.styles[place] for place in range(len(frame.conditions))}
    across = min(3, len(frame.panels))
    down = math.ceil(len(frame.panels) / across)
    heights = [3.4] if counts is None else [3.4, 0.3 * len(names) + 0.1]
    each = len(heights)
    figure = Figure(figsize=(8 if across == 1 else 11, down * (sum(heights) + 0.6) + 0.4), layout="constrained")
    grid = figure.subplots(each * down, across, sharex=True, sharey="row", squeeze=False, height_ratios=heights * down)
    for number in range(across * down):
        row, column = divmod(number, across)
        upper, lower = grid[each * row, column], grid[each * (row + 1) - 1, column]
        if number >= len(frame.panels):
            upper.set_axis_off()
            lower.set_axis_off()
            continue
        title, places = frame.panels[number]
        if counts is not None:
            _divergence(lower, frame, counts, places, list(names))
        _accuracies(upper, frame, data, places)
        upper.set_title(title)
        if column == 0:
            lower.set_ylabel("diverged")
            upper.set_ylabel("val accuracy")
    if len(frame.rates) <= _TICKS:
        grid[0, 0].set_xticks(frame.rates, [f"{rate:g}" for rate in frame.rates])
        grid[0, 0].minorticks_off()
    figure.supxlabel("learning rate", fontsize="medium")
    handles = [
        Line2D([], [], color=style.colour, linestyle=style.line, marker=style.marker, label=name)
        for name, style in names.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, handlelength=3.2)
    return figure


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
        # Beside the axes: at either end of the grid, accuracies often lie at chance.
        axes.annotate("chance", (1.01, 1 / number), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axes.set(xscale="log", ylim=(0, 1.03))


def _divergence(axes: Axes, frame: Frame, counts: pd.DataFrame, places: list[int], names: list[str]) -> None:
    """One line a condition: a cross and "k/n" at each rate where k of n finished seeds diverged."""
    for place in places:
        line, colour = names.index(frame.name(place)), frame.styles[place].colour
        mine = counts[(counts["condition"] == frame.conditions[place].label) & counts["diverged"].gt(0)]
        for lr, away, kept in zip(mine["lr"], mine["diverged"], mine["complete"], strict=True):
            axes.plot(lr, line - 0.12, marker="x", color=colour, markersize=5, markeredgewidth=1.5)
            below: Any = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 7}
            axes.annotate(f"{away}/{away + kept}", (lr, line), (0, -1.5), color=colour, **below)
    axes.set_ylim(len(names) - 0.3, -0.6)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
