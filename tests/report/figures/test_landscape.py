"""The landscape along the gradient."""

import math
import warnings
from itertools import pairwise
from typing import Any

import pytest

from bnlab.report.figures._recorded import recorded
from bnlab.report.figures.landscape import draw, gather
from bnlab.report.interface import Drawn


def probes(*losses: float, beta: float = 2.0, steps: tuple[int, ...] = (0, 8)) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for step in steps:
        for rate, loss in enumerate(losses, 1):
            rows.append((step, "", "landscape_loss", loss, rate / 2))
            rows.append((step, "", "gradient_distance", 10 * loss, rate / 2))
        rows.append((step, "", "effective_beta", beta))
    return rows


def test_bands_run_from_the_lowest_to_the_highest_rate(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(seed=0), probes(2.0, 1.0, 4.0, beta=2.0))
    record(study.run(seed=1), probes(8.0, 4.0, 16.0, beta=8.0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    found = drawn.data[drawn.data["step"] == 8].set_index(["diagnostic", "over_rates"])["mean"].to_dict()
    assert found == pytest.approx(
        {
            ("landscape_loss", "lowest"): 2,
            ("landscape_loss", "highest"): 8,
            ("gradient_distance", "lowest"): 20,
            ("gradient_distance", "highest"): 80,
            ("effective_beta", "value"): 4,
        }
    )
    assert drawn.data["n"].tolist() == [2] * 10
    assert "for 3 steps η from 0.5 to 1.5 times the learning rate" in drawn.caption
    assert all(axes.get_yscale() == "log" for axes in drawn.figure.axes)


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_band_with_a_loss_that_is_not_finite_is_open(study: Any, record: Any, frame_of: Any, lost: float) -> None:
    record(study.run(seed=0), probes(2.0, lost, beta=lost))
    record(study.run(seed=1), probes(2.0, 3.0))
    frame = frame_of(study)
    data = gather(recorded(frame, "landscape_loss", "effective_beta"))
    assert data[data["over_rates"] == "highest"]["mean"].tolist() == [math.inf] * 2
    assert data[data["over_rates"] == "lowest"]["mean"].tolist() == pytest.approx([2, 2])
    assert data[data["over_rates"] == "value"]["mean"].tolist() == pytest.approx([2, 2])
    drawn = draw(frame)
    assert isinstance(drawn, Drawn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn.figure.draw_without_rendering()
    loss = drawn.figure.axes[0]
    (band,) = loss.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert loss.get_ylim()[1] < heights.max() < math.inf


def test_one_exploding_condition_does_not_flatten_the_others(study: Any, record: Any, frame_of: Any) -> None:
    for norm, top in (("none", 1e30), ("batch", 3.0), ("layer", 3.0)):
        record(study.run(norm), probes(2.0, top))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data["mean"].max() == pytest.approx(1e31)
    assert drawn.figure.axes[0].get_ylim()[1] < 1e6


def test_looks_in_powers_of_two_get_a_log_axis(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), probes(1.0, 2.0, steps=(0, 1, 2, 4, 8, 16, 32)))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert {axes.get_xscale() for axes in drawn.figure.axes} == {"symlog"}


def test_regular_looks_get_a_linear_axis(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), probes(1.0, 2.0, steps=(0, 10, 20, 30, 40)))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert {axes.get_xscale() for axes in drawn.figure.axes} == {"linear"}


def test_a_net_that_did_not_learn_is_marked(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run("none", val=0.1), probes(1.0, 2.0))
    record(study.run("batch"), probes(1.0, 2.0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    (legend,) = drawn.figure.subfigs[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["none, lr 0.1, did not learn", "batch, lr 0.1"]
    assert "a vanished gradient: they do not indicate a smooth loss or little shift (none). " in drawn.caption


def test_labels_keep_off_the_neighbour(study: Any, record: Any, frame_of: Any, styled: Any) -> None:
    record(study.run(), probes(0.1, 2.0))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    drawn.figure.draw_without_rendering()
    boxes = [(axes.get_window_extent(), axes.yaxis.label.get_window_extent()) for axes in drawn.figure.axes]
    for (left, _), (_, label) in pairwise(boxes):
        assert (label.x0 - left.x1) / drawn.figure.dpi > 0.2  # inches
