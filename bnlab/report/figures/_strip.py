"""The strip below accuracies, which shows the conditions that diverged, and where."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from bnlab.report.escaping import clipped
from bnlab.report.frame import Frame

_LONGEST = 36  # characters of a name
_WIDE = 16  # longer names are broken into two lines


def diverging(frame: Frame, counts: pd.DataFrame, places: list[int]) -> list[int]:
    """Return those of these conditions that diverged at some rate."""
    names = set(counts.loc[counts["diverged"].gt(0), "condition"])
    return [place for place in places if frame.conditions[place].label in names]


def draw(axes: Axes, frame: Frame, counts: pd.DataFrame, places: list[int], room: int) -> None:
    """Draw one line per condition, of `room` lines: a cross and "k/n" at each rate where k of n seeds diverged."""
    for line, place in enumerate(places):
        colour = frame.styles[place].colour
        mine = counts[(counts["condition"] == frame.conditions[place].label) & counts["diverged"].gt(0)]
        grid = {cell.lr for cell in frame.grid_cells(place)}
        for lr, away, kept in zip(mine["lr"], mine["diverged"], mine["complete"], strict=True):
            axes.plot(lr, line - 0.12, marker="x", color=colour, markersize=5, markeredgewidth=1.5)
            if lr not in grid:  # one run of a search: always 1/1, and too close to others for a label
                continue
            size = 7 if away + kept < 10 else 6  # rates a factor of three apart leave no more space
            below: Any = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": size}
            axes.annotate(f"{away}/{away + kept}", (lr, line), (0, -1.5), color=colour, **below)
    names = [_broken(clipped(frame.name(place), _LONGEST)) for place in places]
    axes.set_ylim(room - 0.3, -0.6)
    axes.set_yticks(range(len(names)), names, fontsize=7 if any("\n" in name for name in names) else 8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)


def _broken(name: str) -> str:
    """Return a long name on two lines, broken after the `_` or space nearest to its middle."""
    ends = [place + 1 for place, letter in enumerate(name) if letter in "_ "]
    if len(name) <= _WIDE or not ends:
        return name
    end = min(ends, key=lambda place: abs(place - len(name) / 2))
    return f"{name[:end].rstrip()}\n{name[end:]}"
