"""A small PNG has few colours, and the same figure gives the same bytes."""

from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

from bnlab.report.picture import DPI, small_png


def figure() -> Figure:
    made = Figure((2, 1))
    made.subplots().imshow([[n * m for n in range(50)] for m in range(50)])
    made.text(0.5, 0.5, "$a$ and $b$")
    return made


def test_colours_and_size() -> None:
    content = small_png(figure(), 16)
    image = Image.open(BytesIO(content))
    assert image.size == (2 * DPI, DPI)
    assert len(image.getcolors() or []) <= 16
    assert content == small_png(figure(), 16)
