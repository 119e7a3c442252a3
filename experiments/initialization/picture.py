"""What the pictures have in common: lines that a grey print keeps apart, and small files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from PIL import Image

from bnlab.report.style import RC

# Okabe and Ito's colours, with a marker and a lightness of their own each.
STYLES: list[dict[str, Any]] = [
    {"color": colour, "marker": marker}
    for colour, marker in zip(("#000000", "#0072B2", "#009E73", "#D55E00", "#E69F00"), "osD^v", strict=True)
]
GREY: dict[str, Any] = {"color": "#6E6E6E", "marker": "X"}
THEORY: dict[str, Any] = {"color": "#333333", "linestyle": (0, (4, 2)), "linewidth": 1.1, "zorder": 1}


@contextmanager
def panels(path: Path, columns: int, rows: int = 1, *, size: tuple[float, float] = (4.2, 3.2)) -> Iterator[list[Axes]]:
    """Axes side by side, written to `path` in 64 colours behind the block."""
    with plt.rc_context(RC):
        figure, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained")
        figure.set_size_inches(size[0] * columns, size[1] * rows)
        yield list(axes.flat)
        drawn = BytesIO()
        figure.savefig(drawn, format="png", dpi=120)
        plt.close(figure)
    image = Image.open(drawn).convert("RGB")
    image.quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


def plain(axis: Axis, ticks: Sequence[float]) -> None:
    """A logarithmic axis with these ticks, as numbers."""
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def curve(ax: Axes, x: Any, y: Any, label: str, style: dict[str, Any]) -> None:
    """A line with some ten markers."""
    ax.plot(x, y, label=label, markersize=4, markevery=max(1, len(np.atleast_1d(y)) // 10), linewidth=1.3, **style)
