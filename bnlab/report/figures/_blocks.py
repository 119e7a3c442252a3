"""Figures with several axes for each panel of conditions, and a legend of these conditions above."""

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from bnlab.report.figures._legend import columns
from bnlab.report.figures._title import broken
from bnlab.report.frame import Frame
from bnlab.report.style import Style

_WIDTH = 10.0  # inches
_POINTS = 8.5  # font size of the names
_MARKERS = 12  # about the maximum number of markers per line


class Block(NamedTuple):
    """A part of the figure, and the indices of the conditions in it."""

    part: SubFigure
    places: list[int]


def blocks(frame: Frame, drawn: Collection[int], height: float) -> tuple[Figure, list[Block]]:
    """Return a figure and its parts, one per panel with something drawn, with `height` inches of axes each."""
    panels = [(title, [place for place in places if place in drawn]) for title, places in frame.panels]
    panels = [(title, places) for title, places in panels if places]
    handles = [[_handle(frame, place) for place in places] for _, places in panels]
    many = [columns([str(one.get_label()) for one in some], _WIDTH, _POINTS) for some in handles]
    heights = [
        height + 0.1 + 0.19 * -(-len(some) // across) + (0.25 if title else 0)
        for (title, _), some, across in zip(panels, handles, many, strict=True)
    ]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    found = []
    for part, (title, places), some, across in zip(parts, panels, handles, many, strict=True):
        if title:
            part.suptitle(broken(title, _WIDTH), x=0.01, ha="left", fontsize=10, fontweight="bold")
        part.legend(handles=some, loc="outside upper center", ncols=across, fontsize=_POINTS, handlelength=3.2)
        found.append(Block(part, places))
    return figure, found


def line(axes: Axes, points: pd.DataFrame, x: str, style: Style) -> None:
    """Draw mean and interval of points (x, mean, low, high) in their order, with a gap where the mean is nan."""
    axes.plot(
        points[x],
        points["mean"],
        color=style.colour,
        linestyle=style.line,
        marker=style.marker,
        markevery=-(-len(points) // _MARKERS),
        markersize=4.5,
    )
    axes.fill_between(points[x], points["low"], points["high"], color=style.colour, alpha=0.15, linewidth=0)


def _handle(frame: Frame, place: int) -> Line2D:
    style, label = frame.styles[place], frame.at_best(place, frame.name(place))
    return Line2D([], [], color=style.colour, linestyle=style.line, marker=style.marker, markersize=4.5, label=label)
