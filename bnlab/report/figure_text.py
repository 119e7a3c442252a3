"""Text in figures: names are drawn literally, whatever characters they contain."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from warnings import catch_warnings, filterwarnings

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from bnlab.report.escaping import as_xml

# Tick labels of a logarithmic axis in matplotlib: $\mathdefault{10^{-3}}$, or $\mathdefault{2\times10^{-3}}$.
_POWER = re.compile(r"\$\\mathdefault\{(?:\\times|[-−+\d.^{} ])*\}\$")

_NAMES = (FixedFormatter, FuncFormatter, StrCategoryFormatter)  # formatters of tick labels that may be names


def listed(name: str) -> str:
    """Return a name that a legend shows: matplotlib leaves out labels that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def as_written(figure: Figure) -> None:
    """Draw all text literally, also a name with two dollar signs; only the powers on log axes are formulas."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), _NAMES):
                axis.get_majorticklabels()  # creates their texts
    for text in _texts(figure):
        words = text.get_text()
        if "$" in words and not _POWER.fullmatch(words):
            text.set_parse_math(False)
        if words != (clean := as_xml(words)):
            text.set_text(clean)


def _texts(artist: Artist) -> Iterator[Text]:
    """Yield all texts, without tick labels that are numbers, for which matplotlib would create all ticks."""
    if isinstance(artist, Text):
        yield artist
    if isinstance(artist, Axis) and not isinstance(artist.get_major_formatter(), _NAMES):
        parts: Iterable[Artist] = (artist.label, artist.offsetText)
    else:
        parts = artist.get_children()
    for part in parts:
        yield from _texts(part)


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress matplotlib's warning on characters that its font lacks: the SVG, the CSV and the page have them."""
    with catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield
