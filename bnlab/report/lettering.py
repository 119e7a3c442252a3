"""The text in figures: names as they are written, whatever signs are in them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from warnings import catch_warnings, filterwarnings

from matplotlib.figure import Figure
from matplotlib.text import Text

from bnlab.report.escaping import as_xml

# What matplotlib writes at a logarithmic axis: $\mathdefault{10^{-3}}$, or $\mathdefault{2\times10^{-3}}$.
_POWER = re.compile(r"\$\\mathdefault\{(?:\\times|[-−+\d.^{} ])*\}\$")


def listed(name: str) -> str:
    """Return a name as it may stand in a legend: matplotlib leaves out what begins with an underscore."""
    return f" {name}" if name.startswith("_") else name


def as_written(figure: Figure) -> None:
    """Let no text be read as a formula, where a config's name holds two dollars, but for the powers on log axes."""
    for axes in figure.axes:
        axes.get_xticklabels(which="both")  # their texts are made when they are asked for
        axes.get_yticklabels(which="both")
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        words = text.get_text()
        if "$" in words and not _POWER.fullmatch(words):
            text.set_parse_math(False)
        if words != (clean := as_xml(words)):
            text.set_text(clean)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep matplotlib's word on letters that its font lacks from the user: the SVG, the CSV and the page have them."""
    with catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield
