"""Val accuracy over two axes, for example learning rate × batch size per norm, or learning rate × norm."""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bnlab.report.condition import LR, Condition, describe, text
from bnlab.report.escaping import clipped
from bnlab.report.figures._title import broken
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Heat map of accuracy"
ORDER = 12

_MOST = 12  # panels
_LONGEST = 24  # characters per tick label
_COLOURS = colormaps["cividis"]  # monotone in lightness, for colour-blind readers and grey prints
_LABELS = {LR: "learning rate", "data.batch_size": "batch size (examples)"}
_EMPTY = "#E4E4E4"
_ABSENT = "n/a"  # value of an axis that a condition lacks
_WIDTH = 7.6  # inches of all panels in a row
_NARROW, _SHORT = 0.36, 0.45  # inches: narrower cells have no space for a number, for a word


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a panel per combination of the other axes, with a colour for each cell's mean over seeds."""
    if not frame.has_accuracy:
        return Missing("no finished run has a val accuracy")
    axes = crossed(frame)
    if axes is None:
        return Missing("fewer than two axes vary besides the seed")
    data = gather(frame, *axes)
    titles = list(dict.fromkeys(data["panel"]))
    shown = data[data["panel"].isin(titles[:_MOST])]
    caption = (
        f"Val accuracy at the last evaluation over {axes[0]} and {axes[1]}: mean over the seeds that did not diverge "
        f"({frame.seeds} per cell). ×k/n: k of n finished seeds diverged there; white: all did; grey: no result; "
        f"–: refused; {_ABSENT}: the axis does not apply. "
        + (f"{_MOST} of {len(titles)} panels are drawn. " if len(titles) > _MOST else "")
        + f"Every run: {frame.configuration}."
    )
    return Drawn(_layout(frame, shown, titles[:_MOST], *axes), data, caption)


def crossed(frame: Frame) -> tuple[str, str] | None:
    """Return the horizontal and the vertical axis; None if fewer than two axes vary.

    They are the first two of: learning rate, axes of numbers (those with most values first), other axes, norm. A rate
    that follows from the other axes (in proportion to the batch) is not an axis; norm is then vertical.
    """
    values = {name: _values(frame, name) for name in frame.axes}
    several = [name for name in frame.axes if name != "norm" and len(values[name]) > 1]
    several.sort(key=lambda name: (any(isinstance(value, str) for value in values[name]), -len(values[name])))
    norm = ["norm"] if len(values["norm"]) > 1 else []
    found = [*several, *norm]
    if any(frame.of(place)["lr"].nunique() > 1 for place in range(len(frame.conditions))):
        found = [LR, *found]
    elif len(frame.rates) > 1:
        found = [*several[:1], *norm, *several[1:]]
    return (found[0], found[1]) if len(found) > 1 else None


def gather(frame: Frame, across: str, up: str) -> pd.DataFrame:
    """Return one row per cell: panel, both axes, mean over n seeds, diverged, finished.

    A condition to which an axis does not apply (`none` under any placement) is repeated at each value that the axis has
    in conditions that differ from it only in the norm. Without such conditions its value is `_ABSENT`.
    """
    names = {name for info in frame.source.infos.values() for name in info["axes"]}
    rows: list[dict[str, Any]] = []
    for place, (condition, cells) in enumerate(zip(frame.conditions, frame.cells, strict=True)):
        known = _known(condition)
        if LR not in (across, up):  # each condition has one rate
            cells = [cell for cell in cells if cell.lr in set(frame.of(place)["lr"])]
        rest = [
            clipped(describe(name, known[name], names))
            for name in frame.axes
            if name in known and name not in (across, up)
        ]
        for cell in cells:
            places = [
                [known[name]]
                if name in known
                else [cell.lr]
                if name == LR
                else _beside(frame, known, name) or [_ABSENT]
                for name in (across, up)
            ]
            rows += [
                {"panel": " · ".join(rest), across: x, up: y}
                | {"mean": cell.val.mean, "n": cell.val.n, "diverged": cell.diverged, "finished": cell.finished}
                | {"refused": cell.refused}
                for x, y in product(*places)
            ]
    return pd.DataFrame(rows)


def _known(condition: Condition) -> dict[str, Any]:
    """Return a condition's axes; values that are not numbers are text."""
    values = {"norm": condition.norm, **dict(condition.variant)}
    numbers = {name: isinstance(value, int | float) and not isinstance(value, bool) for name, value in values.items()}
    return {name: value if numbers[name] else text(value) for name, value in values.items()}


def _beside(frame: Frame, known: Mapping[str, Any], name: str) -> list[Any]:
    """Return the values of an axis that this norm lacks, in conditions that agree with this one in all shared axes."""
    having = [other for other in map(_known, frame.conditions) if name in other]
    if any(other["norm"] == known["norm"] for other in having):
        return []
    alike = (
        other for other in having if all(other[key] == known[key] for key in (known.keys() & other.keys()) - {"norm"})
    )
    return list(dict.fromkeys(other[name] for other in alike))


def _values(frame: Frame, name: str) -> list[Any]:
    """Return the values of an axis: numbers by size, then text in order of appearance."""
    found = dict.fromkeys(known[name] for known in map(_known, frame.conditions) if name in known)
    return sorted(found, key=lambda value: (0, value) if isinstance(value, int | float) else (1, 0))


def _layout(frame: Frame, data: pd.DataFrame, titles: list[str], across: str, up: str) -> Figure:
    columns, lines = (
        frame.panel_rates if name == LR else [*_values(frame, name), *({_ABSENT} & set(data[name]))]
        for name in (across, up)
    )
    if any(isinstance(value, str) for value in lines):
        lines = lines[::-1]  # names are read from the top, numbers increase upwards
    many = min(len(titles), 3 if len(columns) <= 8 else 2)
    down = math.ceil(len(titles) / many)
    heads = {title: broken(title, _WIDTH / many) for title in titles}
    tall = 0.73 + 0.17 * max(head.count("\n") + 1 for head in heads.values()) + 0.42 * len(lines)
    figure = Figure(figsize=(10, down * tall + 0.5), layout="constrained")
    grid = figure.subplots(down, many, sharex=True, sharey=True, squeeze=False)
    low, high = float(data["mean"].min()), float(data["mean"].max())
    scale = Normalize(min(low, high - 0.1), high)  # so that noise does not span the whole range of colours
    room = _WIDTH / many / len(columns)
    wide = room >= _NARROW
    for axes in grid.flat[len(titles) :]:
        axes.remove()
    for axes, title in zip(grid.flat, titles, strict=False):
        for row in data[data["panel"] == title].to_dict("records"):
            if row[across] not in columns or row[up] not in lines:  # a rate for which there is no room
                continue
            _cell(axes, columns.index(row[across]), lines.index(row[up]), row, scale, room)
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(lines) - 0.5), title=heads[title], facecolor=_EMPTY)
        axes.set_xticks(range(len(columns)), _ticks(frame, across, columns), rotation=0 if wide else 90, fontsize=8)
        axes.set_yticks(range(len(lines)), _ticks(frame, up, lines), fontsize=8)
        axes.tick_params(length=0)
        axes.grid(visible=False)
    figure.supxlabel(_LABELS.get(across, clipped(across)), fontsize="medium")
    figure.supylabel(_LABELS.get(up, clipped(up)), fontsize="medium")
    bar = figure.colorbar(
        ScalarMappable(scale, _COLOURS), ax=figure.axes, label="val accuracy (0–1)", aspect=30, pad=0.02
    )
    bar.outline.set_visible(False)
    return figure


def _ticks(frame: Frame, name: str, values: list[Any]) -> list[str]:
    return [frame.rate(value) if name == LR else clipped(text(value), _LONGEST) for value in values]


def _cell(axes: Axes, x: int, y: int, row: Mapping[Any, Any], scale: Normalize, room: float) -> None:
    known = not math.isnan(row["mean"])
    if not known and not row["diverged"]:
        if row["refused"]:
            word = "refused" if room >= _SHORT else "–"
            axes.text(x, y, word, ha="center", va="center", fontsize=7, color="#555555")
        return
    face = _COLOURS(scale(row["mean"])) if known else (1.0, 1.0, 1.0, 1.0)
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor=_EMPTY, linewidth=1.5))
    words = [f"{row['mean']:.2f}"] if known else ["diverged"] if room >= _SHORT else []
    words += [f"×{row['diverged']}/{row['finished']}"] if row["diverged"] else []
    if room < _NARROW:
        words = ["×"] if row["diverged"] else []
    dark = 0.299 * face[0] + 0.587 * face[1] + 0.114 * face[2] < 0.5
    ink = "white" if dark else "black"
    axes.text(x, y, "\n".join(words), ha="center", va="center", fontsize=7, color=ink, linespacing=1.0)
