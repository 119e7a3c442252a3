"""Legends that do not cover data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import ScaledTranslation

from bnlab.report.escaping import clipped

_POINTS = 8  # font size of a panel's legend
_BESIDE = 11  # space for a handle and the gaps around it, in characters
_CHARACTER = 0.0075  # average width of a character: inches per point of font size


def columns(names: Sequence[str], inches: float, points: float) -> int:
    """Return the number of legend columns that fit, from one to four."""
    for count in (4, 3, 2):
        lengths = [len(name) + max(0, len(name) - 20) // 3 for name in names]  # long names may have wide letters
        parts = [part for part in np.array_split(lengths, count) if len(part)]
        if sum(int(part.max()) + _BESIDE for part in parts) * _CHARACTER * points <= inches:
            return count
    return 1


def above(axes: Axes, handles: Sequence[Any], inches: float, lift: float) -> None:
    """Add a panel's own legend, `inches` wide and `lift` points above its axes, clear of other text there."""
    room = max(12, int(inches / (_CHARACTER * _POINTS)) - _BESIDE)
    names = [clipped(str(handle.get_label()), room) for handle in handles]
    figure = axes.get_figure(root=True)
    assert figure is not None
    if not names:
        return
    axes.legend(
        handles=handles,
        labels=names,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=axes.transAxes + ScaledTranslation(0, lift / 72, figure.dpi_scale_trans),
        borderaxespad=0,
        ncols=columns(names, inches, _POINTS),
        fontsize=_POINTS,
        handlelength=3.2,
    )


def on_top(figure: Figure | SubFigure, handles: Sequence[Any]) -> None:
    """Add one legend above the whole figure, or above a part of one."""
    names = [str(handle.get_label()) for handle in handles]
    many = columns(names, figure.bbox.width / figure.get_figure(root=True).dpi, 9.5)
    figure.legend(handles=handles, loc="outside upper center", ncols=many, handlelength=3.2)


def across(count: int) -> int:
    """Return the number of panels per row: three, or two if that leaves no gap."""
    return 2 if count == 4 else min(3, count)
