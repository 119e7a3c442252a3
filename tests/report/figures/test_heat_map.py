"""The heat map: its axes and its cells."""

import math
from itertools import combinations
from typing import Any

from bnlab.report.figures.heat_map import crossed, draw, gather
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def texts(part: Drawn | Missing) -> list[list[str]]:
    assert isinstance(part, Drawn)
    return [[text.get_text() for text in axes.texts] for axes in part.figure.axes if axes.texts]


def test_rate_by_batch_size_a_norm(study: Any) -> None:
    for norm in ("batch", "layer"):
        for size in (16, 4):
            study.grid(norm, {0.1: [0.5], 1.0: [0.6]}, axes={"data.batch_size": size})
    found = frame(study)
    assert crossed(found) == ("optim.lr", "data.batch_size")
    drawn = draw(found)
    assert isinstance(drawn, Drawn)
    panels = [axes for axes in drawn.figure.axes if axes.get_title(loc="left") or axes.get_title()]
    assert [axes.get_title(loc="left") or axes.get_title() for axes in panels] == ["batch", "layer"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["4", "16"]
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["0.1", "1"]


def test_numbers_are_crossed_before_names_and_norms_last(study: Any) -> None:
    for place in ("before_act", "after_act", "before_weight"):
        for size in (4, 16):
            study.run("batch", axes={"placement": place, "data.batch_size": size})
    study.run("none", axes={"data.batch_size": 4})
    assert crossed(frame(study)) == ("data.batch_size", "placement")


def test_rate_by_norm_where_nothing_else_varies(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.7], 1.0: ["diverged", "diverged"]})
    study.grid("batch", {0.1: [0.9, "diverged"], 1.0: ["failed", None]})
    found = frame(study)
    assert crossed(found) == ("optim.lr", "norm")
    assert texts(draw(found)) == [["0.60", "diverged\n×2/2", "0.90\n×1/2"]]  # and no text without a result
    data = gather(found, "optim.lr", "norm")
    assert data["mean"].tolist()[0] == 0.6
    assert math.isnan(data["mean"][1])
    assert data[["diverged", "finished"]].to_numpy().tolist() == [[0, 2], [2, 2], [1, 2], [0, 0]]


def test_a_condition_without_the_axis_stands_at_each_value(study: Any) -> None:
    study.grid("none", {0.1: [0.5], 1.0: [0.4]})
    for place in ("before_act", "after_act"):
        study.grid("batch", {0.1: [0.8], 1.0: [0.9]}, axes={"placement": place})
    data = gather(frame(study), "optim.lr", "placement")
    none = data[data["panel"] == "none"]
    assert none.groupby("placement")["mean"].apply(list).to_dict() == {
        "after_act": [0.5, 0.4],
        "before_act": [0.5, 0.4],
    }


def test_a_condition_whose_norm_has_the_axis_elsewhere_has_a_line_of_its_own(study: Any) -> None:
    for norm in ("batch", "mean_only_batch"):
        for size in (8, 16):
            study.grid(norm, {0.1: [0.9]}, axes={"data.batch_size": size, "norm.sync": True})
            study.grid(norm, {0.1: [0.5]}, axes={"data.batch_size": size, "norm.sync": False, "processes": 2})
            study.grid(norm, {0.1: [0.6]}, axes={"data.batch_size": size, "norm.sync": False, "processes": 4})
    data = gather(frame(study), "data.batch_size", "processes")
    assert len(data) == 12
    assert data.groupby("processes")["mean"].first().to_dict() == {2: 0.5, 4: 0.6, "n/a": 0.9}
    assert not data.duplicated(["panel", "data.batch_size", "processes"]).any()


def test_a_rate_that_follows_from_the_batch_is_no_axis(study: Any) -> None:
    for norm in ("none", "batch"):
        for size in (4, 16, 64):
            study.grid(norm, {0.01 * size: [0.5]}, axes={"data.batch_size": size, "accumulate": 1})
        study.grid(norm, {0.16: [0.6]}, axes={"data.batch_size": 4, "accumulate": 4})
    found = frame(study)
    assert crossed(found) == ("data.batch_size", "norm")
    data = gather(found, "data.batch_size", "norm")
    assert data.groupby("panel")["data.batch_size"].apply(list).to_dict() == {
        "accumulate 1": [4, 16, 64, 4, 16, 64],
        "accumulate 4": [4, 4],
    }


def test_no_norm_stands_only_where_its_model_has_other_norms(study: Any) -> None:
    for model, place in (("mlp", "before_act"), ("lstm", "hidden")):
        study.grid("none", {0.1: [0.5], 1.0: [0.4]}, axes={"model": model})
        for site in (place, f"{place}+cell"):
            study.grid("batch", {0.1: [0.8], 1.0: [0.9]}, axes={"model": model, "placement": site})
    data = gather(frame(study), "optim.lr", "placement")
    none = data[data["panel"] == "none · mlp"]
    assert set(none["placement"]) == {"before_act", "before_act+cell"}


def test_too_many_panels_are_left_out_and_said(study: Any) -> None:
    for number in range(14):
        for size in (4, 16):
            study.grid(f"norm{number:02d}", {0.1: [0.5], 1.0: [0.6]}, axes={"data.batch_size": size})
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert "12 of 14 panels are drawn." in drawn.caption
    assert drawn.data["panel"].nunique() == 14


def test_one_axis_is_too_few(study: Any) -> None:
    study.run("none")
    study.run("batch")
    assert draw(frame(study)) == Missing("fewer than two axes vary besides the seed")


def test_a_refused_cell_says_so(study: Any) -> None:
    study.grid("none", {0.1: [0.5], 1.0: [0.6]})
    study.grid("batch", {0.1: ["refused"], 1.0: [0.9]})
    assert texts(draw(frame(study))) == [["0.50", "0.60", "refused", "0.90"]]


def test_narrow_cells_have_a_sign_for_it(study: Any) -> None:
    rates = [0.1 * 2**n for n in range(18)]
    study.grid("none", {rate: ["refused"] for rate in rates})
    study.grid("batch", {0.1: [0.9], 0.2: ["diverged"]})
    drawn = draw(frame(study))
    assert texts(drawn) == [["–"] * 18 + ["0.90", "×1/1"]]
    assert isinstance(drawn, Drawn)
    assert "–: refused" in drawn.caption


def test_titles_of_neighbours_do_not_touch(study: Any, styled: Any) -> None:
    for place in ("before_act", "after_weight", "output"):
        for size in (2, 64):
            for track in (False, True):
                axes = {"placement": place, "data.batch_size": size, "norm.track_running_stats": track}
                study.grid("batch", {0.1: [0.5], 1.0: [0.6]}, axes=axes)
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    drawn.figure.draw_without_rendering()
    boxes = [axes._left_title.get_window_extent() for axes in drawn.figure.axes if axes.get_title(loc="left")]
    assert len(boxes) > 2
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
