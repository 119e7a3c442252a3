"""Small multiples: a figure with one panel per norm."""

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill, wrap
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.errors import Refused
from bnlab.report.style import RC
from bnlab.zoo.specimen import Specimen

_COLUMNS = 7
_WIDTH = 1.75  # inches of a panel
_LETTERS = 11.5  # of a title, per inch
_LINE = 0.17  # inches of a further line of a title
_LONGEST, _WIDEST = 19, 24  # letters of a norm's name, and of its options, on one line above a panel


class Layout(NamedTuple):
    """Sizes of a figure.

    Attributes:
        height: inches of a row of panels, with the space below it.
        rest: inches of the figure beside its rows.
        left, right: edges of the panels, as a fraction of the figure's width.
        bottom, top: inches below and above the panels.
        hspace, wspace: space between panels, as a fraction of a panel.
    """

    height: float
    rest: float
    left: float
    right: float
    bottom: float
    top: float
    hspace: float
    wspace: float


@contextmanager
def panels(n: int, layout: Layout, title: str, *, shared: bool = False) -> Iterator[tuple[Figure, list[Axes]]]:
    """Give a figure with n panels under a title, and set the style of reports inside the block.

    Args:
        shared: whether the panels share their axes.
    """
    columns = min(_COLUMNS, n)
    rows = -(-n // columns)
    width = _WIDTH * columns
    text = fill(title, int(width * _LETTERS))
    above = _LINE * text.count("\n")
    with mpl.rc_context(RC):
        figure = Figure((width, layout.height * rows + layout.rest + above))
        axes = figure.subplots(rows, columns, sharex=shared, sharey=shared, squeeze=False)
        for ax in axes.flat[n:]:
            ax.axis("off")
        for ax in axes.flat[max(0, n - columns) : n]:
            ax.tick_params(labelbottom=True)  # the last panel of each column, also if the last row is not full
        inch = 1 / figure.get_figheight()
        bottom, top = layout.bottom * inch, 1 - (layout.top + above) * inch
        figure.subplots_adjust(layout.left, bottom, layout.right, top, layout.wspace, layout.hspace)
        figure.text(0.012, 1 - 0.1 * inch, text, fontsize=10, va="top")
        yield figure, list(axes.flat[:n])


def heading(specimen: Specimen) -> str:
    """Return the label of a norm on one line, or on several if it is long or has a variant."""
    if specimen.variant:
        return "\n".join([specimen.choice, *wrap(specimen.variant, _WIDEST)])
    if len(specimen.choice) <= _LONGEST:
        return specimen.choice
    return "_\n".join(specimen.choice.rsplit("_", 1))


def short(refused: Refused) -> str:
    """Return the reason of a refusal without its remedy, in lines that fit into a panel."""
    return fill("refused: " + str(refused).partition(": ")[0].removeprefix("norm."), 26)
