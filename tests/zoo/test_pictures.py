"""The pictures are PNGs, also of norms that are refused."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from bnlab.zoo import pictures
from bnlab.zoo.cube import cube
from bnlab.zoo.panels import Layout, heading, panels
from bnlab.zoo.specimen import Specimen

BLUE = (0, 0x72, 0xB2)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw small cubes only."""
    monkeypatch.setattr(pictures, "_LARGE", (4, 3, 2, 2))


def test_all_are_drawn(at_defaults: Callable[..., Specimen]) -> None:
    chosen = [at_defaults("group"), at_defaults("layer"), at_defaults("group", groups=5), at_defaults("spectral")]
    found = pictures.draw(chosen)
    assert found.keys() == {"shared_small.png", "shared_large.png", "shared_weights.png", "histograms.png"}
    for content in found.values():
        image = Image.open(BytesIO(content))
        assert image.format == "PNG"
        assert len(image.getcolors() or []) <= 256
        assert (np.abs(np.asarray(image.convert("RGB"), int) - BLUE).sum(-1) < 10).sum() > 50


def test_norms_of_weights_alone_have_one_picture(at_defaults: Callable[..., Specimen]) -> None:
    assert pictures.draw([at_defaults("weight")]).keys() == {"shared_weights.png"}


def test_a_cube_shows_what_is_found() -> None:
    found = torch.zeros(2, 3, 4, dtype=torch.bool)
    ax = Figure().subplots()
    cube(ax, found)
    assert len(ax.patches) == 3 * 4 + 2 * 3 + 2 * 4
    assert not ax.lines  # nothing is marked
    found[0, 0, 0] = found[0, 2, 3] = True
    ax = Figure().subplots()
    cube(ax, found)
    blue = [patch for patch in ax.patches if patch.get_facecolor()[2] > 2 * patch.get_facecolor()[0]]
    assert len(blue) == 3 + 1  # the marked element on each face, the other one in front
    assert len(ax.lines) == 1


def test_long_titles_and_names_get_lines(at_defaults: Callable[..., Specimen]) -> None:
    layout = Layout(height=2, rest=0, left=0.1, right=0.9, bottom=0.1, top=0.5, hspace=0, wspace=0)
    with panels(1, layout, "word " * 20) as (figure, axes):
        assert len(axes) == 1
        assert figure.texts[0].get_text().count("\n") > 3
    assert heading(at_defaults("batch")) == "batch"
    assert heading(at_defaults("weight_mean_only_batch")) == "weight_mean_only_\nbatch"
    assert heading(at_defaults("group", groups=2)) == "group\ngroups=2"
