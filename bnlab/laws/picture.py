"""Shared parts of the laws' pictures: panels, and lines that a grey print keeps apart."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from bnlab.report.picture import small_png
from bnlab.report.style import COLOURS, RC
from bnlab.report.style import GREY as NO_NORM

# Five lines with a colour, a marker and a lightness of their own each.
STYLES: list[dict[str, Any]] = [
    {"color": colour, "marker": marker}
    for colour, marker in zip(("#000000", COLOURS[0], COLOURS[2], COLOURS[1], COLOURS[4]), "osD^v", strict=True)
]
GREY: dict[str, Any] = {"color": NO_NORM, "marker": "X"}
THEORY: dict[str, Any] = {"color": "#333333", "linestyle": (0, (4, 2)), "linewidth": 1.1, "zorder": 1}


def render(draw: Callable[[Figure], None]) -> bytes:
    """Return what `draw` draws as a PNG of 64 colours."""
    with mpl.rc_context(RC), np.errstate(all="ignore"):  # a value may overflow in a very deep net
        figure = Figure(layout="constrained")
        draw(figure)
        return small_png(figure, 64)


def panels(figure: Figure, columns: int, rows: int = 1, *, size: tuple[float, float] = (4.2, 3.2)) -> list[Axes]:
    """Return the axes of panels of this size in inches, row by row."""
    figure.set_size_inches(size[0] * columns, size[1] * rows)
    return list(figure.subplots(rows, columns, squeeze=False).flat)


def plain(axis: Axis, ticks: Sequence[float]) -> None:
    """Write these ticks, and no others, as numbers on a logarithmic axis."""
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def curve(ax: Axes, x: Any, y: Any, label: str, style: dict[str, Any]) -> None:
    """Draw a line with about ten markers."""
    ax.plot(x, y, label=label, markersize=4, markevery=max(1, len(np.atleast_1d(y)) // 10), linewidth=1.3, **style)
