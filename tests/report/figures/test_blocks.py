"""Figures of a study with many conditions: small panels, each condition once, legends that cover nothing."""

from itertools import combinations
from typing import Any

import pytest

from bnlab.report.figures import grad_by_depth, landscape
from bnlab.report.interface import Drawn

NORMS = ["none", *(f"norm_{place:02d}" for place in range(12)), "scaled_weight_standardization"]
GRADIENTS = [(step, f"units.{depth}.weight", "weight_grad_norm", 1.0) for step in (0, 5) for depth in (0, 1)]
PROBES = [(step, "", name, 1.0 + rate, rate) for step in (0, 5) for rate in (0.5, 4) for name in landscape._BANDS]
PROBES += [(step, "", "effective_beta", 1.0) for step in (0, 5)]


@pytest.mark.parametrize(("figure", "rows"), [(grad_by_depth, GRADIENTS), (landscape, PROBES)])
@pytest.mark.usefixtures("styled")
def test_panels_are_small_and_legends_cover_nothing(
    study: Any, record: Any, frame_of: Any, figure: Any, rows: Any
) -> None:
    for norm in NORMS:
        record(study.run(norm), rows)
    drawn = figure.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    drawn.figure.draw_without_rendering()
    legends = [legend for part in drawn.figure.subfigs for legend in part.legends]
    names = [[text.get_text().partition(",")[0] for text in legend.get_texts()] for legend in legends]
    assert all(panel[0] == "none" and len(panel) <= 7 for panel in names)
    assert [name for panel in names for name in panel[1:]] == sorted(NORMS[1:])
    assert "At most 6 conditions per panel, plus the norm none in each as the reference." in drawn.caption
    boxes = [legend.get_window_extent() for legend in legends]
    for box in boxes:
        assert drawn.figure.bbox.x0 <= box.x0 < box.x1 <= drawn.figure.bbox.x1
        assert drawn.figure.bbox.y0 <= box.y0 < box.y1 <= drawn.figure.bbox.y1
        assert not any(box.overlaps(axes.get_tightbbox()) for axes in drawn.figure.axes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_condition_without_data_has_no_name_in_the_legend(study: Any, record: Any, frame_of: Any) -> None:
    study.run("none")
    record(study.run("batch"), GRADIENTS)
    drawn = grad_by_depth.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    (part,) = drawn.figure.subfigs
    assert [text.get_text() for text in part.legends[0].get_texts()] == ["batch, lr 0.1"]


def test_lines_keep_the_conditions_own_style(study: Any, record: Any, frame_of: Any) -> None:
    for norm in ("none", "batch", "layer"):
        record(study.run(norm), GRADIENTS)
    frame = frame_of(study)
    drawn = grad_by_depth.draw(frame)
    assert isinstance(drawn, Drawn)
    for axes in drawn.figure.axes:
        found = [(line.get_color(), line.get_marker()) for line in axes.get_lines()]
        assert found == [(frame.styles[place].colour, frame.styles[place].marker) for place in range(3)]
