"""Val accuracy by epoch and by second."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.figures._legend import on_top
from bnlab.report.figures._title import broken
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.stats import estimate, seconds_at
from bnlab.report.target_times import own_seconds

TITLE = "Time to accuracy"
ORDER = 17

_COLUMNS = ["condition", "lr", "step", "epoch", "seconds", "mean", "half", "n"]


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a plot over epochs per panel, and one over seconds if any run was timed separately."""
    data = gather(frame)
    if data.empty:
        return Missing("no complete run has evaluations of its val accuracy")
    units = ["epoch", "seconds"] if data["seconds"].notna().any() else ["epoch"]
    panels = frame.panels
    figure = Figure(figsize=(10, (3.6 if len(panels) == 1 else 3.0) * len(panels)), layout="constrained")
    for row, (title, places) in zip(figure.subfigures(len(panels), squeeze=False)[:, 0], panels, strict=True):
        pair = row.subplots(1, len(units), sharey=True, squeeze=False)[0]
        for axes, unit in zip(pair, units, strict=True):
            _panel(axes, frame, data, places, unit)
            axes.set_xlabel("epoch" if unit == "epoch" else "seconds since the run began")
        pair[0].set(ylabel="val accuracy (0–1)", title=broken(title, 10 / len(units)))
        on_top(row, pair[0].get_legend_handles_labels()[0])
    counts = data.groupby(["condition", "lr"])["n"].max()
    n = f"n = {counts.min()}" if counts.min() == counts.max() else f"n = {counts.min()} to {counts.max()}"
    caption = (
        f"Val accuracy through training, each condition at its best learning rate. Line: mean over the complete seeds "
        f"({n}); band: 95 % t-interval (none for one seed). Dashed: the target, {frame.target:g}; in brackets: "
        f"mean epochs to it, > E if a seed did not reach it within E. Seconds are means over seeds, with evaluations; "
        f"runs trained together are not timed separately. {frame.arrangement}Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return one row per evaluation of a condition at its best rate: mean accuracy over n seeds, half its interval."""
    rows: list[dict[str, Any]] = []
    for place in frame.finished:
        runs = frame.at_shown(place)
        evals = frame.val_evals.of(runs["run_id"]).dropna(subset="accuracy")
        if evals.empty:
            continue
        when = pd.Series(evals["step"].to_numpy("float64"), evals["run_id"])
        when[~own_seconds(frame.source.infos, evals["run_id"])] = math.nan
        evals = evals.assign(seconds=seconds_at(frame.steps.of(runs["run_id"]), when).to_numpy())
        for (step, epoch), mine in evals.groupby(["step", "epoch"]):
            score = estimate(mine["accuracy"])
            rows.append(
                {"condition": frame.conditions[place].label, "lr": frame.sensitivity[place].shown_lr}
                | {"step": step, "epoch": epoch, "seconds": mine["seconds"].mean()}
                | {"mean": score.mean, "half": score.half, "n": score.n}
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _panel(axes: Axes, frame: Frame, data: pd.DataFrame, places: list[int], unit: str) -> None:
    for place in places:
        style, mine = frame.styles[place], data[data["condition"] == frame.conditions[place].label]
        mine = mine[mine[unit].notna()]
        if mine.empty:
            continue
        epochs = frame.target_times[place].epochs
        reached = f"> {epochs.budget:g}" if epochs.censored else f"{epochs.time.mean:.1f}"
        label = f"{frame.name(place)}, lr {frame.rate(mine['lr'].iloc[0])} ({reached})"
        axes.plot(mine[unit], mine["mean"], color=style.colour, linestyle=style.line, label=label, zorder=3)
        low, high = ((mine["mean"] + sign * mine["half"]).clip(0, 1) for sign in (-1, 1))
        axes.fill_between(mine[unit], low, high, color=style.colour, alpha=0.15, linewidth=0)
    axes.axhline(frame.target, color="#777777", linewidth=0.9, linestyle="--", zorder=1)
    axes.set(ylim=(0, 1.03))
    axes.set_xlim(left=0)
