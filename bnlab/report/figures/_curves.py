"""A quantity of steps.csv through training: shared code of the figures of the loss and of the gradient norm.

One large panel shows each condition at its best rate. Below it, one small panel per rate shows all conditions at that
rate. With several variants (placements, batch sizes …), or with many conditions, there are several panels at the best
rates instead.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bnlab.report.consistency import measured
from bnlab.report.figures._legend import above, across, on_top
from bnlab.report.figures._title import broken, lift
from bnlab.report.frame import Frame, span
from bnlab.report.interface import Drawn, Missing
from bnlab.report.stats.estimate import LARGEST

_POINTS = 150  # about the maximum of points per curve; more are averaged over consecutive logged steps
_ACROSS = 4
_STUB = 3  # panels have separate axes of steps if one is this many times as long as another
_COLUMNS = ["condition", "lr", "seed", "diverged", "diverged_at", "step"]
_CEILING = 10  # the axis ends at this multiple of the highest initial median, because diverged runs are unbounded


def draw(frame: Frame, column: str, label: str, unit: str = "") -> Drawn | Missing:
    """Draw one column of steps.csv."""
    data, width = gather(frame, column)
    if data.empty:
        return Missing(f"no finished run has logged its {label}")
    figure = _layout(frame, data, column, f"{label} ({unit})" if unit else label)
    apart = " Panels differ in their axis of steps." if _uneven(frame, data) else ""
    averaged = f" Each point is a mean over {width} logged steps." if width > 1 else ""
    small = "; below, all of them at one rate per panel" if len(frame.panels) == 1 and len(frame.rates) > 1 else ""
    if small and len(frame.panel_rates) < len(frame.rates):
        small += f" ({len(frame.panel_rates)} of {len(frame.rates)} rates)"
    caption = (
        f"{label[0].upper()}{label[1:]} by step (of single batches, as logged), each condition at its best learning "
        f"rate{small}. Line: mean over the "
        f"seeds that did not diverge ({_seeds(data)}); band: from the lowest to the highest of them; thin lines: "
        f"seeds that diverged, with a cross at that step.{averaged}{apart} "
        f"{frame.arrangement}Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame, column: str) -> tuple[pd.DataFrame, int]:
    """Return the curves of all finished runs (`_COLUMNS` and `column`), and the number of steps averaged per point."""
    runs = frame.runs[frame.runs["status"].isin(["complete", "diverged"])]
    steps = frame.table("steps")
    steps = steps[steps["run_id"].isin(runs["run_id"])]
    keep = measured(steps[column])  # the last row of a diverged run may be nan; its curve ends before it
    steps = steps.loc[keep, ["run_id", "step", column]]
    if steps.empty:
        return pd.DataFrame(columns=[*_COLUMNS, column]), 1
    # Runs of one length are averaged over the same steps, so that seeds can be compared point by point.
    width = np.ceil(steps.groupby("run_id")["step"].transform("size") / _POINTS).astype(int)
    point = steps.groupby("run_id").cumcount() // width
    curves = steps.groupby(["run_id", point], sort=False).agg({"step": "last", column: "mean"}).reset_index()
    names = [condition.label for condition in frame.conditions]
    facts = runs.assign(condition=[names[place] for place in runs["condition"]], diverged=runs["status"] == "diverged")
    joined = curves.merge(facts[["run_id", "condition", "lr", "seed", "diverged", "diverged_at"]], on="run_id")
    joined = joined.sort_values(["condition", "lr", "seed", "step"])
    return joined[[*_COLUMNS, column]].reset_index(drop=True), int(width.max())


def _layout(frame: Frame, data: pd.DataFrame, column: str, label: str) -> Figure:
    best = {place: found.shown_lr for place, found in enumerate(frame.sensitivity) if found.shown_lr is not None}
    if len(frame.panels) > 1:
        return _panels(frame, data, column, label, best)
    rates = frame.panel_rates if len(frame.rates) > 1 else []
    rows = math.ceil(len(rates) / _ACROSS)
    figure = Figure(figsize=(10, 3.9 + 2.0 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, _ACROSS, height_ratios=[3.3] + [2] * rows)
    large = figure.add_subplot(grid[0, :])
    places = frame.panels[0][1]
    shown = [(place, best[place]) for place in places if place in best]
    _panel(large, frame, data, column, shown, _limits(_chosen(frame, data, shown), column), named=True)
    large.set(title="each at its best lr", xlabel="step", ylabel=label)
    on_top(figure, large.get_legend_handles_labels()[0])
    for number, rate in enumerate(rates):
        row, across = divmod(number, _ACROSS)
        axes = figure.add_subplot(grid[1 + row, across], sharex=large)
        at_rate = [(place, rate) for place in places]
        _panel(axes, frame, data, column, at_rate, _limits(data, column))
        axes.set_title(f"lr {frame.rate(rate)}")
        axes.tick_params(labelleft=across == 0, labelbottom=number + _ACROSS >= len(rates))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if number + _ACROSS >= len(rates):
            axes.set_xlabel("step")
    return figure


def _panels(
    frame: Frame,
    data: pd.DataFrame,
    column: str,
    label: str,
    best: dict[int, float],
) -> Figure:
    many = across(len(frame.panels))
    rows = math.ceil(len(frame.panels) / many)
    figure = Figure(figsize=(10, 3.9 * rows), layout="constrained")
    limits = _limits(_chosen(frame, data, list(best.items())), column)
    shared = not _uneven(frame, data)
    grid = figure.subplots(rows, many, sharex=shared, sharey=True, squeeze=False)
    for axes in grid.flat[len(frame.panels) :]:
        axes.remove()
    for axes, (title, places) in zip(grid.flat, frame.panels, strict=False):
        shown = [(place, best[place]) for place in places if place in best]
        lost = _panel(axes, frame, data, column, shown, limits, named=True)
        head = broken(title, 10 / many - 0.5)
        axes.set_title(head)
        above(axes, axes.get_legend_handles_labels()[0], 10 / many - 0.5, max(lift(head), 6 + 10 * lost))
    figure.supxlabel("step", fontsize="medium")
    figure.supylabel(label, fontsize="medium")
    return figure


def _uneven(frame: Frame, data: pd.DataFrame) -> bool:
    """Return whether a shared axis of steps would make some panel very short, as with batches of 2 and of 64."""
    best = {place: lr for place in frame.finished if (lr := frame.sensitivity[place].shown_lr) is not None}
    ends = _chosen(frame, data, list(best.items())).groupby("condition")["step"].max()
    names = ([frame.conditions[place].label for place in places] for _, places in frame.panels)
    lengths = [length for own in names if (length := ends.reindex(own).max()) > 0]
    return len(lengths) > 1 and max(lengths) > _STUB * min(lengths)


def _panel(
    axes: Axes,
    frame: Frame,
    data: pd.DataFrame,
    column: str,
    shown: Sequence[tuple[int, float]],
    limits: tuple[float, float],
    *,
    named: bool = False,
) -> int:
    """Draw curves of conditions at their rates; return the number of lines above the axes on diverged seeds."""
    axes.set(yscale="log", ylim=limits)
    width = 1.7 if named else 1.2
    lost: list[tuple[str, str]] = []
    for place, lr in shown:
        name, style = frame.name(place), frame.styles[place]
        lost.extend(
            (f"{name} {cell.diverged}/{cell.finished} diverged", style.colour)
            for cell in frame.cells[place]
            if cell.lr == lr and cell.diverged
        )
        curves = data[(data["condition"] == frame.conditions[place].label) & (data["lr"] == lr)]
        if curves.empty:
            continue
        kept = curves[~curves["diverged"]].groupby("step")[column].agg(["mean", "min", "max"])
        label = frame.at_best(place, name) if named else None  # panels with names show the best rates
        axes.plot(
            kept.index, kept["mean"], color=style.colour, linestyle=style.line, label=label, linewidth=width, zorder=3
        )
        axes.fill_between(kept.index, kept["min"], kept["max"], color=style.colour, alpha=0.18, linewidth=0)
        for _, run in curves[curves["diverged"]].groupby("seed"):
            axes.plot(run["step"], run[column], color=style.colour, linestyle=style.line, linewidth=0.8)
            step = run["diverged_at"].iloc[-1]
            if pd.notna(step):  # unbounded at that step
                axes.plot(step, limits[1] / 1.15, marker="x", color=style.colour, markersize=6, clip_on=False)
    for line, (text, colour) in enumerate(lost):
        axes.annotate(
            text,
            (1, 1),
            (0, 4 + 10 * line),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=colour,
            fontsize=7,
        )
    return len(lost)


def _chosen(frame: Frame, data: pd.DataFrame, shown: Sequence[tuple[int, float]]) -> pd.DataFrame:
    """Return the curves of these conditions at these rates."""
    wanted = {(frame.conditions[place].label, lr) for place, lr in shown}
    return data[[pair in wanted for pair in zip(data["condition"], data["lr"], strict=True)]]


def _limits(data: pd.DataFrame, column: str) -> tuple[float, float]:
    positive = data[data[column] > 1 / LARGEST]
    if positive.empty:
        return 0.1, 1.0
    start = positive.groupby(["condition", "lr", "seed"])[column].first().groupby("condition").median().max()
    kept = positive.loc[~positive["diverged"], column]
    top = min(float(positive[column].max()), _CEILING * float(start))
    low = float(kept.min()) if len(kept) else float(start) / 10
    return max(low, 1e-6 * top) * 0.8, top * 1.3


def _seeds(data: pd.DataFrame) -> str:
    kept = data[~data["diverged"]]
    return span(kept.groupby(["condition", "lr"])["seed"].nunique())
