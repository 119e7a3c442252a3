"""Quantities by depth and through training."""

import math
import warnings
from typing import Any

import pytest

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import recorded
from bnlab.report.figures._views import Quantity
from bnlab.report.interface import Drawn

Q = Quantity("update_ratio", "ratio")


def looks(*values: float, steps: tuple[int, ...] = (0, 5), name: str = "update_ratio") -> list[tuple[Any, ...]]:
    """Return one row per depth at each step: value · (step + 1)."""
    return [
        (step, f"units.{depth}.weight", name, value * (step + 1))
        for step in steps
        for depth, value in enumerate(values)
    ]


def drawn(frame: Any, views: Any, *quantities: Quantity) -> Drawn:
    quantities = quantities or (Q,)
    rows = recorded(frame, *(one.diagnostic for one in quantities))
    result = _views.draw(frame, rows, quantities, views, "What it is.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result.figure.draw_without_rendering()
    return result


def test_the_data_are_means_over_seeds_by_depth_and_by_step(study: Any, record: Any, frame_of: Any) -> None:
    for seed, scale in enumerate((1.0, 4.0)):
        record(study.run(seed=seed), looks(scale, 100 * scale))
    found = drawn(frame_of(study), ("through", "first", "last")).data
    assert found[["view", "step", "x", "n"]].to_numpy().tolist() == [
        ["through", 0, 0, 2], ["through", 5, 5, 2], ["first", 0, 0, 2], ["first", 0, 1, 2], ["last", 5, 0, 2],
        ["last", 5, 1, 2],
    ]  # fmt: skip
    assert found["mean"].tolist() == pytest.approx([20, 120, 2, 200, 12, 1200])  # geometric: sites, then seeds
    assert found["low"].tolist() == pytest.approx([10, 60, 1, 100, 6, 600])
    assert found["high"].tolist() == pytest.approx([40, 240, 4, 400, 24, 2400])
    assert set(found["condition"]) == {"batch"}


def test_a_linear_axis_has_the_arithmetic_mean(study: Any, record: Any, frame_of: Any) -> None:
    for seed, scale in enumerate((1.0, 4.0)):
        record(study.run(seed=seed), looks(scale, steps=(0,)))
    result = drawn(frame_of(study), ("first",), Q._replace(log=False))
    assert result.data["mean"].tolist() == [2.5]
    assert result.figure.axes[0].get_yscale() == "linear"


def test_a_single_look_is_no_last_look(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), looks(1.0, 2.0, steps=(0,)))
    result = drawn(frame_of(study), ("first", "last"))
    assert [axes.get_title() for axes in result.figure.axes] == ["at initialization"]


def test_titles_name_the_looks(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run("none"), looks(1.0, steps=(2, 7)))
    record(study.run("batch"), looks(1.0, steps=(2, 9)))
    result = drawn(frame_of(study), ("first", "last", "through"))
    titles = [axes.get_title() for axes in result.figure.axes]
    assert titles == ["at step 2", "at steps 7 to 9, the last look", "through training"]
    assert [axes.get_xlabel() for axes in result.figure.axes] == [_views.DEPTH, _views.DEPTH, "step"]


def test_what_is_not_finite_is_a_gap_and_breaks_no_log_axis(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), looks(1e-30, math.nan, math.inf, 0.0, 1e20))
    result = drawn(frame_of(study), ("first", "last"))
    assert result.data["n"].tolist() == [1, 0, 0, 0, 1] * 2
    (line,) = result.figure.axes[0].get_lines()
    assert [math.isnan(y) for y in line.get_ydata()] == [False, True, True, True, False]
    low, high = result.figure.axes[0].get_ylim()
    assert 0 < low < 1e-30 < 1e20 < high < math.inf


def test_nothing_finite_at_all_is_drawn_empty(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), looks(math.nan, math.inf))
    assert drawn(frame_of(study), ("first", "last")).data["n"].tolist() == [0] * 4


def test_quantities_that_nobody_recorded_are_left_out(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), looks(1.0, 2.0))
    result = drawn(frame_of(study), ("first", "last"), Q, Quantity("other", "other"))
    assert {axes.get_ylabel() for axes in result.figure.axes} == {"ratio", ""}
    assert set(result.data["diagnostic"]) == {"update_ratio"}


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 2)), (2, (2, 2)), (3, (2, 3)), (4, (4, 2))])
def test_three_quantities_stand_side_by_side(
    study: Any, record: Any, frame_of: Any, count: int, shape: tuple[int, int]
) -> None:
    names = [f"quantity{n}" for n in range(count)]
    record(study.run(), [row for name in names for row in looks(1.0, 2.0, name=name)])
    result = drawn(frame_of(study), ("first", "last"), *(Quantity(name, name) for name in names))
    assert result.figure.axes[0].get_subplotspec().get_geometry()[:2] == shape
    labels = [axes.get_ylabel() for axes in result.figure.axes if axes.get_ylabel()]
    assert sorted(set(labels)) == names


def test_the_caption_names_seeds_and_who_recorded_nothing(study: Any, record: Any, frame_of: Any) -> None:
    for seed in (0, 1, 2):
        record(study.run("batch", seed=seed), looks(1.0))
    study.run("none")
    study.run("layer", status="failed")
    caption = drawn(frame_of(study), ("first", "through")).caption
    assert caption.startswith("What it is. Each condition at its best learning rate, 3 seeds of complete runs. ")
    assert "Not recorded by any complete run: none. " in caption
    assert "Not drawn, because no run has finished: layer. " in caption
    assert "95 % t-interval over seeds" in caption


def test_a_quantity_has_one_axis_in_all_panels(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run("none"), looks(1.0))
    for place, value in (("before_act", 10.0), ("after_act", 1e6)):
        record(study.run("batch", axes={"placement": place}), looks(value))
    result = drawn(frame_of(study), ("first", "last"))
    assert len(result.figure.axes) == 4
    assert len({axes.get_ylim() for axes in result.figure.axes}) == 1
    assert [part.get_suptitle() for part in result.figure.subfigs] == ["after_act", "before_act"]
