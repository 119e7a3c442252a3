"""The pictures' shared parts."""

from io import BytesIO

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from bnlab.laws.picture import STYLES, curve, panels, plain, render


def test_a_picture_is_a_png_of_few_colours_in_the_size_of_its_panels() -> None:
    before = dict(mpl.rcParams)

    def draw(figure: Figure) -> None:
        left, right = panels(figure, 2, size=(2.0, 1.5))
        curve(left, [1, 2], [1.0, float("inf")], "line", STYLES[0])
        right.set_yscale("log")
        plain(right.yaxis, (2, 4))
        assert [tick.get_text() for tick in right.get_yticklabels()] == ["2", "4"]

    image = Image.open(BytesIO(render(draw)))
    assert (image.format, image.size) == ("PNG", (480, 180))
    assert len(image.getcolors()) <= 64
    assert dict(mpl.rcParams) == before


def test_lines_differ_in_colour_and_in_marker() -> None:
    for key in ("color", "marker"):
        assert len({style[key] for style in STYLES}) == len(STYLES)
