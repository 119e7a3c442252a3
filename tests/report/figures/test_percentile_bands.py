"""Percentiles through training."""

import math
from typing import Any

import pytest

from bnlab.report.figures.percentile_bands import draw
from bnlab.report.interface import Drawn


def bands(depth: int, middle: float, half: float, name: str = "activation_percentile") -> list[tuple[Any, ...]]:
    return [
        (step, f"units.{depth}.before_act", name, middle + (percent - 50) / 35 * half, percent)
        for step in (0, 10, 20)
        for percent in (15, 50, 85)
    ]


def test_means_over_seeds_at_the_deepest_site(study: Any, record: Any, frame_of: Any) -> None:
    for seed in (0, 1):
        record(study.run(seed=seed), bands(0, 100, 1) + bands(3, seed, 2))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert set(drawn.data["site"]) == {"units.3.before_act"}
    last = drawn.data[drawn.data["step"] == 20]
    assert last[["percentile", "n", "mean"]].to_numpy().tolist() == [[15, 2, -1.5], [50, 2, 0.5], [85, 2, 2.5]]
    (axes,) = drawn.figure.axes
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-1.5, 2.5)
    assert [line.get_linewidth() for line in axes.get_lines()] == [0.9, 1.9, 0.9]
    assert "Percentiles (15, 50, 85) of the activations" in drawn.caption
    assert "means over 2 seeds" in drawn.caption


def test_one_units_own_where_it_was_measured(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), bands(1, 0, 1) + bands(1, 7, 1, "unit_percentile"))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data[drawn.data["percentile"] == 50]["mean"].tolist() == [7, 7, 7]
    assert "of one unit's activations" in drawn.caption


def test_panels_share_their_axes_but_for_one_far_off(study: Any, record: Any, frame_of: Any) -> None:
    for norm, half in (("none", 1000.0), ("batch", 1.0), ("layer", 2.0)):
        record(study.run(norm), bands(0, 0, half))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert [axes.get_title() for axes in drawn.figure.axes] == ["none, lr 0.1", "batch, lr 0.1", "layer, lr 0.1"]
    for axes in drawn.figure.axes:
        assert axes.get_ylim() == pytest.approx((-2.24, 2.24))
    assert "are cut off" in drawn.caption


def test_of_two_panels_none_is_cut(study: Any, record: Any, frame_of: Any) -> None:
    for norm, half in (("none", 1000.0), ("batch", 1.0)):
        record(study.run(norm), bands(0, 0, half))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.figure.axes[0].get_ylim()[1] > 1000
    assert "are cut off" not in drawn.caption


def test_nan_is_a_gap(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), [(step, "units.0.hidden", "activation_percentile", math.nan, 50) for step in (0, 1)])
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data["mean"].isna().all()
    drawn.figure.draw_without_rendering()
