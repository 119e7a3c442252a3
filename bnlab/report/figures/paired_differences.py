"""Differences between conditions, paired by seed: a forest plot."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.condition import Condition
from bnlab.report.escaping import clipped
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Paired differences"
ORDER = 14

_MOST = 40  # rows drawn
_COLUMNS = [
    "condition",
    "reference",
    "against",
    "lr",
    "reference_lr",
    "mean",
    "low",
    "high",
    "n",
    "lost",
    "seed",
    "difference",
]


def draw(frame: Frame) -> Drawn | Missing:
    """Draw one row per condition: its score minus that of its reference, each at its own best rate."""
    if not frame.has_accuracy:
        return Missing("no finished run has a val accuracy")
    data = gather(frame)
    if data.empty:
        return Missing("no two conditions have a complete run with the same seed at their best rates")
    rows = data.drop_duplicates("condition").to_dict("records")
    shown, metric = rows[:_MOST], frame.score.replace("_", " ")
    references = sorted({row["against"] for row in shown})
    figure = Figure(figsize=(8, 1.1 + 0.34 * len(shown)), layout="constrained")
    axes = figure.subplots()
    for line, row in enumerate(shown):
        _row(axes, frame, line, row, data)
    axes.axvline(0, color="#333333", linewidth=0.9, zorder=1)
    several = len(references) > 1
    labels = [
        f"{clipped(row['condition'], 40)} − {clipped(row['against'], 20)}" if several else clipped(row["condition"])
        for row in shown
    ]
    axes.set_yticks(range(len(shown)), labels, fontsize=8.5)
    axes.set(ylim=(len(shown) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    base = "the named condition" if several else clipped(references[0])
    axes.set_xlabel(f"{metric}, difference from {base} (0–1)")
    counts = sorted({row["n"] for row in shown})
    pairs = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    left = f"{len(shown)} of {len(rows)} conditions are drawn. " if len(rows) > len(shown) else ""
    caption = (
        f"Difference in {metric} at the last evaluation, paired by seed ({pairs} pairs), each condition at its own "
        f"best learning rate. Large marker and bar: mean and 95 % t-interval (none for one pair); small dots: single "
        f"seeds. Pairs in which a seed diverged are left out and counted. {left}Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return one row per pair: condition, reference, their rates, mean, low, high, n of the condition, difference …"""
    rows: list[dict[str, Any]] = []
    for place, reference in sorted(frame.references.items()):
        estimate = frame.difference(place, reference, frame.score)
        single = frame.by_seed(place, frame.score).sub(frame.by_seed(reference, frame.score)).dropna()
        cells = [frame.shown_cell(one) for one in (place, reference)]
        shared = {
            "condition": frame.conditions[place].label,
            "reference": frame.conditions[reference].label,
            "against": _against(frame.conditions[place], frame.conditions[reference]),
            "lr": frame.sensitivity[place].shown_lr,
            "reference_lr": frame.sensitivity[reference].shown_lr,
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
            "n": estimate.n,
            "lost": sum(cell.diverged for cell in cells if cell),
        }
        rows += [shared | {"seed": seed, "difference": value} for seed, value in single.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _against(condition: Condition, reference: Condition) -> str:
    """Return what distinguishes the reference from the condition: its norm, or its variant of the same norm."""
    return reference.norm if reference.norm != condition.norm else reference.label.partition(" · ")[2]


def _row(axes: Axes, frame: Frame, line: int, row: Mapping[Any, Any], data: pd.DataFrame) -> None:
    place = next(place for place in frame.finished if frame.conditions[place].label == row["condition"])
    style = frame.styles[place]
    single = data.loc[data["condition"] == row["condition"], "difference"]
    mean, low, high = row["mean"], row["low"], row["high"]
    if row["n"] > 1:
        axes.plot([low, high], [line, line], color=style.colour, linewidth=2, solid_capstyle="butt")
    axes.plot(mean, line, marker=style.marker, color=style.colour, markersize=7, zorder=4)
    axes.plot(single, [line + 0.22] * len(single), ".", color=style.colour, markersize=4, alpha=0.8)
    half = f" ± {high - mean:.3f}" if row["n"] > 1 else ""
    lost = f", {row['lost']} diverged" if row["lost"] else ""
    words = f"{mean:+.3f}{half} (n = {row['n']}{lost})"
    axes.annotate(words, (1.02, line), xycoords=("axes fraction", "data"), va="center", fontsize=8)
