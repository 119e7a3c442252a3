"""Drawing of a tensor as a cube of cells, those that share statistics with the marked one coloured.

As in Wu & He 2018, arXiv:1803.08494, Fig. 2: channels C to the right, positions H·W upwards, examples N into the depth.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from torch import Tensor

_SHARED, _MARKED, _ALONE, _EDGE, _LETTER = "#0072B2", "#F0E442", "#F4F4F4", "#555555", "#333333"
_SHADES = {"front": 1.0, "top": 1.18, "side": 0.82}
_HEIGHT = 1.15  # of the front face; its width is 1
_DEPTH = 1.2 * np.array([0.42, 0.30])  # from the front face to the back, on paper


def cube(ax: Axes, found: Tensor) -> None:
    """Draw the three visible faces of a cube; every cube has the same outline, whatever its number of cells.

    Args:
        found: which elements are coloured, (N, C, P), bool; [0, 0, 0] is the corner at the front, right and top, which
            is marked unless nothing is coloured.
    """
    n, c, p = found.shape
    right, up, back = np.array([1.0 / c, 0.0]), np.array([0.0, _HEIGHT / p]), _DEPTH / n

    def face(corner: np.ndarray, u: np.ndarray, v: np.ndarray, colour: tuple[float, ...]) -> None:
        corners = np.array([corner, corner + u, corner + u + v, corner + v])
        ax.add_patch(Polygon(corners, facecolor=colour, edgecolor=_EDGE, linewidth=0.45, joinstyle="round"))

    def colour(i: int, j: int, k: int, side: str) -> tuple[float, ...]:
        return _shaded(_SHARED if found[i, j, k] else _ALONE, _SHADES[side])

    for j in range(c):
        for k in range(p):
            face(right * (c - 1 - j) + up * (p - 1 - k), right, up, colour(0, j, k, "front"))
    for i in range(n):
        for j in range(c):
            face(right * (c - 1 - j) + up * p + back * i, right, back, colour(i, j, 0, "top"))
        for k in range(p):
            face(right * c + up * (p - 1 - k) + back * i, back, up, colour(i, 0, k, "side"))
    if found.any():
        x, y = right * (c - 0.5) + up * (p - 0.5)
        ax.plot(x, y, marker="o", markersize=5.5, color=_MARKED, markeredgecolor="black", markeredgewidth=0.8)
    ax.set_xlim(-0.06, 1 + _DEPTH[0] + 0.05)
    ax.set_ylim(-0.22, _HEIGHT + _DEPTH[1] + 0.05)
    ax.set_aspect("equal")
    ax.axis("off")


def name_edges(ax: Axes, size: Sequence[int], letters: Sequence[str]) -> None:
    """Write letters and numbers of cells along the three visible edges, for a tensor of four axes."""
    small: dict[str, Any] = {"fontsize": 7.5, "color": _LETTER}
    ax.text(0.5, -0.05, f"{letters[1]} = {size[1]}", ha="center", va="top", **small)
    positions = "·".join(letters[2:])
    ax.text(-0.04, _HEIGHT / 2, f"{positions} = {size[2] * size[3]}", ha="right", va="center", rotation=90, **small)
    x, y = 1.0 + 0.5 * _DEPTH[0] + 0.06, 0.5 * _DEPTH[1] - 0.04
    ax.text(x, y, f"{letters[0]} = {size[0]}", ha="left", va="top", **small)


def _shaded(colour: str, shade: float) -> tuple[float, ...]:
    """Return a colour made darker (below 1) or mixed with white (above 1)."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return tuple(rgb * shade if shade <= 1 else 1 - (1 - rgb) * (2 - shade))
