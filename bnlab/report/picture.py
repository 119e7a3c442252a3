"""A figure as a small PNG, for pictures that a repository keeps."""

from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

from bnlab.report.figure_text import as_written, quiet

DPI = 120


def small_png(figure: Figure, colours: int = 256) -> bytes:
    """Return a figure as a PNG with at most this many colours (up to 256): a third of the size of a PNG with all."""
    drawn, small = BytesIO(), BytesIO()
    as_written(figure)
    with quiet():
        figure.savefig(drawn, format="png", dpi=DPI)
    image = Image.open(drawn).convert("RGB")
    few = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()
