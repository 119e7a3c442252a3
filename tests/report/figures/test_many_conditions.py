"""Figures of a study with 21 conditions: small panels, each condition once, legends that do not cover data."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from bnlab.report.figures import accuracy_vs_lr, grad_norm, loss_curves
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn
from bnlab.report.reading import read
from bnlab.report.style import RC

NORMS = ["none", *(f"norm_{place:02d}" for place in range(19)), "scaled_weight_standardization"]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: Any, make_demo: Callable[..., Path]) -> Frame:
    folder = make_demo(tmp_path_factory.mktemp("outputs") / "many", norms=NORMS, seeds=1, steps=20, depth=2)
    return read([folder], 0.9, 0.05)


@pytest.mark.parametrize("module", [accuracy_vs_lr, loss_curves, grad_norm])
def test_panels_are_small_and_legends_cover_nothing(frame: Frame, module: Any) -> None:
    with mpl.rc_context(RC):
        drawn = module.draw(frame)
        assert isinstance(drawn, Drawn)
        drawn.figure.draw_without_rendering()
    legends = [axes.get_legend() for axes in drawn.figure.axes]
    found = [legend for legend in legends if legend]
    names = [[text.get_text().partition(",")[0] for text in legend.get_texts()] for legend in found]
    assert all(panel[0] == "none" and len(panel) <= 7 for panel in names)
    assert [name for panel in names for name in panel[1:]] == sorted(NORMS[1:])
    assert not drawn.figure.legends
    assert "At most 6 conditions per panel, plus the norm none in each as the reference." in drawn.caption
    boxes = [legend.get_window_extent() for legend in found]
    for box in boxes:
        assert drawn.figure.bbox.x0 <= box.x0 < box.x1 <= drawn.figure.bbox.x1
        assert drawn.figure.bbox.y0 <= box.y0 < box.y1 <= drawn.figure.bbox.y1
        assert not any(box.overlaps(axes.bbox) for axes in drawn.figure.axes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
