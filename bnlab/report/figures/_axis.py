"""Axes: readable ticks on short logarithmic axes, and the axis of steps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def values(axes: Axes, limits: tuple[float, float] | None, *, log: bool) -> None:
    """Set up the vertical axis with these limits; None if there is nothing to show."""
    limits = limits or (0.1, 1.0)
    axes.set(ylim=limits, yscale="log" if log else "linear")
    if not log:
        return
    axes.yaxis.set_minor_formatter(NullFormatter())
    decades = np.log10(limits[1] / limits[0])
    if decades < 2.5:  # powers of ten alone would give one or two ticks
        few = MaxNLocator(5) if decades < 0.6 else LogLocator(subs=(1, 2, 5) if decades < 1.3 else (1, 3))
        axes.yaxis.set_major_locator(few)
        axes.yaxis.set_major_formatter(_PLAIN)


def steps(axes: Axes, looks: Sequence[int]) -> None:
    """Set up the horizontal axis of steps: logarithmic if most looks were early, and linear below step 1."""
    if len(looks) == 1:
        axes.set_xticks(looks)
        return
    if len(looks) < 5 or np.median(looks) > 0.2 * max(looks):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        return
    axes.set_xscale("symlog", linthresh=1, linscale=0.3)
    axes.set_xlim(-0.15 if min(looks) == 0 else 0.9 * min(looks), 1.3 * max(looks))
    axes.xaxis.set_major_formatter(_PLAIN)
