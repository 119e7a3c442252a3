"""Pictures: for each norm the cube of a tensor's elements, those that share statistics with the marked one coloured.

The cube stands as in Wu & He 2018, Fig. 2: channels C to the right, positions H·W upwards, examples N into the depth.
Only three faces are seen; as what is shared is always a box with the marked element in the nearest corner, they show
all of it.
"""

from collections.abc import Sequence
from io import BytesIO
from math import prod
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from PIL import Image
from shared import ACTIVATION, WEIGHT, extents, reached, words
from specimen import Specimen

from bnlab.errors import Refused
from bnlab.report.style import RC

SHARED, MARKED, ALONE, EDGE = "#0072B2", "#F0E442", "#F4F4F4", "#555555"
COLUMNS = 7
DPI = 120
LONGEST = 19  # letters of a name on one line above a panel
SHADES = {"front": 1.0, "top": 1.18, "side": 0.82}
DEPTH = np.array([0.42, 0.30])  # on paper, of a step into the depth, relative to one to the right


def shaded(colour: str, shade: float) -> tuple[float, ...]:
    """Darker below 1; above 1 mixed with white."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return tuple(rgb * shade if shade <= 1 else 1 - (1 - rgb) * (2 - shade))


def cube(ax: Axes, size: tuple[int, int, int], box: tuple[int, int, int]) -> None:
    """Draw (depth, width, height) cells; coloured are those of the box at the near, right, top corner, if any.

    The axes are scaled so that every cube has the same outline whatever its numbers of cells.
    """
    n, c, p = size
    right, up, back = np.array([1.0 / c, 0.0]), np.array([0.0, 1.15 / p]), 1.2 * DEPTH / n

    def face(corner: np.ndarray, u: np.ndarray, v: np.ndarray, colour: tuple[float, ...]) -> None:
        corners = [corner, corner + u, corner + u + v, corner + v]
        ax.add_patch(Polygon(corners, facecolor=colour, edgecolor=EDGE, linewidth=0.45, joinstyle="round"))

    def colour(i: int, j: int, k: int, side: str) -> tuple[float, ...]:
        """Of the cell i-th from the front, j-th from the right, k-th from the top."""
        inside = i < box[0] and j < box[1] and k < box[2]
        return shaded(SHARED if inside else ALONE, SHADES[side])

    for j in range(c):
        for k in range(p):
            face(right * (c - 1 - j) + up * (p - 1 - k), right, up, colour(0, j, k, "front"))
    for i in range(n):
        for j in range(c):
            face(right * (c - 1 - j) + up * p + back * i, right, back, colour(i, j, 0, "top"))
        for k in range(p):
            face(right * c + up * (p - 1 - k) + back * i, back, up, colour(i, 0, k, "side"))
    if any(box):
        centre = right * (c - 0.5) + up * (p - 0.5)
        ax.plot(*centre, marker="o", markersize=5.5, color=MARKED, markeredgecolor="black", markeredgewidth=0.8)
    ax.set_xlim(-0.06, 1 + 1.2 * DEPTH[0] + 0.05)
    ax.set_ylim(-0.22, 1.15 + 1.2 * DEPTH[1] + 0.05)
    ax.set_aspect("equal")


def name_axes(ax: Axes, size: tuple[int, ...], letters: Sequence[str]) -> None:
    """Letters and numbers of cells along the three edges that are seen."""
    small: dict[str, Any] = {"fontsize": 7.5, "color": "#333333"}
    ax.text(0.5, -0.05, f"{letters[1]} = {size[1]}", ha="center", va="top", **small)
    positions = "·".join(letters[2:])
    ax.text(-0.04, 0.57, f"{positions} = {size[2] * size[3]}", ha="right", va="center", rotation=90, **small)
    x, y = 1.0 + 0.6 * DEPTH[0] + 0.06, 0.6 * DEPTH[1] - 0.04
    ax.text(x, y, f"{letters[0]} = {size[0]}", ha="left", va="top", **small)


def panel(ax: Axes, specimen: Specimen, size: tuple[int, ...]) -> None:
    """One norm's cube, or why it has none."""
    letters = WEIGHT if specimen.of_weights else ACTIVATION
    whole = (size[0], size[1], size[2] * size[3])
    try:
        found = reached(specimen, size)
    except Refused as refused:
        cube(ax, whole, (0, 0, 0))
        caption = fill("refused: " + str(refused).split(": ")[0].removeprefix("norm."), 26)
    else:
        n, c, h, w = extents(found)
        cube(ax, whole, (n, c, h * w))
        caption = f"over {words(found, letters)}".replace("over –", "over itself alone")
    ax.axis("off")
    ax.set_title(heading(specimen), loc="center", fontsize=8.5, pad=1, linespacing=1.0)
    ax.text(0.72, -0.2, caption, ha="center", va="top", fontsize=7.5)
    name_axes(ax, size, letters)


def heading(specimen: Specimen) -> str:
    """The label on one line, or on two where it is long or has a reading."""
    if specimen.reading:
        return f"{specimen.name}\n{specimen.reading}"
    if len(specimen.name) <= LONGEST:
        return specimen.name
    return "_\n".join(specimen.name.rsplit("_", 1))


def order(specimen: Specimen, size: tuple[int, ...]) -> tuple[int, tuple[int, ...], str]:
    """Those that share alike next to each other, from a few elements to many; what is refused comes last."""
    try:
        found = reached(specimen, size)
    except Refused:
        return prod(size) + 1, (), specimen.label
    return int(found.sum()), extents(found), specimen.label


def draw(specimens: Sequence[Specimen], size: tuple[int, ...], path: Path, title: str) -> None:
    """Small multiples, one a norm."""
    columns = min(COLUMNS, len(specimens))
    rows = -(-len(specimens) // columns)
    with plt.rc_context(RC):
        figure, axes = plt.subplots(rows, columns, squeeze=False)
        figure.set_size_inches(1.75 * columns, 1.95 * rows + 0.35)
        for ax in axes.flat:
            ax.axis("off")
        for ax, specimen in zip(axes.flat, sorted(specimens, key=lambda s: order(s, size)), strict=False):
            panel(ax, specimen, size)
        height = figure.get_figheight()
        figure.text(0.012, 1 - 0.1 / height, title, fontsize=10, va="top")
        figure.subplots_adjust(0.02, 0.28 / height, 0.985, 1 - 0.62 / height, hspace=0.3)
        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """As a PNG of few colours, which is a third of the size."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    Image.open(drawn).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    plt.close(figure)
