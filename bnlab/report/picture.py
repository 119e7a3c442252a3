"""A figure as the contents of files."""

from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from bnlab.report.figure_text import as_written, quiet

DPI = 120  # of a small PNG
_CANVASES: dict[str, Any] = {"png": FigureCanvasAgg, "svg": FigureCanvasSVG, "pdf": FigureCanvasPdf}
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same numbers give the same files


def encoded(figure: Figure, *forms: str, dpi: float | None = None) -> dict[str, bytes]:
    """Return a figure in each of these formats ("png", "svg", "pdf"), all with the layout of the first.

    It calls matplotlib's canvases, because `Figure.savefig` draws a figure twice: once to lay it out.

    Args:
        dpi: resolution of pixels; None: `savefig.dpi`.
    """
    as_written(figure)
    figure.set_dpi(mpl.rcParams["savefig.dpi"] if dpi is None else dpi)
    files = {}
    for form in forms:
        buffer = BytesIO()
        with quiet():
            getattr(_CANVASES[form](figure), f"print_{form}")(buffer, metadata=_UNDATED.get(form))
        figure.set_layout_engine("none")
        files[form] = buffer.getvalue()
    return files


def small_png(figure: Figure, colours: int = 256) -> bytes:
    """Return a figure as a PNG with at most this many colours (up to 256): a third of the size of a PNG with all.

    A repository keeps such pictures.
    """
    small = BytesIO()
    image = Image.open(BytesIO(encoded(figure, "png", dpi=DPI)["png"])).convert("RGB")
    few = image.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()
