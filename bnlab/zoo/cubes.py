"""Picture of a cube for each norm, with the elements that share statistics with the marked one."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor

from bnlab.errors import Refused
from bnlab.report.picture import small_png
from bnlab.zoo.cube import cube, name_edges
from bnlab.zoo.panels import Layout, heading, panels, short
from bnlab.zoo.shared import ACTIVATION, WEIGHT, extents, reached, words
from bnlab.zoo.specimen import Specimen

_LAYOUT = Layout(height=1.95, rest=0.35, left=0.02, right=0.985, bottom=0.28, top=0.62, hspace=0.3, wspace=0.2)


def draw(specimens: Sequence[Specimen], size: tuple[int, ...], title: str) -> bytes:
    """Return a PNG of the norms, sorted by what they share; refused ones come last.

    Args:
        size: of x or of the weight, four axes.
        title: of the picture.
    """
    found = [(specimen, _reached(specimen, size)) for specimen in specimens]
    found.sort(key=_order)
    with panels(len(specimens), _LAYOUT, title) as (figure, axes):
        for ax, (specimen, shares) in zip(axes, found, strict=True):
            _panel(ax, specimen, size, shares)
        return small_png(figure)


def _reached(specimen: Specimen, size: tuple[int, ...]) -> Tensor | Refused:
    """Return which elements are reached, or why the norm is refused."""
    try:
        return reached(specimen, size)
    except Refused as refused:
        return refused


def _order(pair: tuple[Specimen, Tensor | Refused]) -> tuple[float, tuple[int, ...], str]:
    """Return the key that sorts norms by the number of elements and puts those that share alike next to each other."""
    specimen, found = pair
    if isinstance(found, Refused):
        return float("inf"), (), specimen.label
    return float(found.sum()), extents(found), specimen.label


def _panel(ax: Axes, specimen: Specimen, size: tuple[int, ...], found: Tensor | Refused) -> None:
    """Draw one norm's cube, or why it has none."""
    letters = WEIGHT if specimen.of_weights else ACTIVATION
    if isinstance(found, Refused):
        shares, caption = torch.zeros(size, dtype=torch.bool), short(found)
    else:
        shares, caption = found, f"over {words(found, letters)}".replace("over –", "over itself alone")
    cube(ax, shares.flip(1, 3).flatten(2))  # the marked element comes first
    name_edges(ax, size, letters)
    ax.set_title(heading(specimen), loc="center", fontsize=8.5, pad=1, linespacing=1.0)
    ax.text(0.72, -0.2, caption, ha="center", va="top", fontsize=7.5)
