"""Accuracy against learning rate."""

import math
from typing import Any

import pytest

from bnlab.report.figures.accuracy_vs_lr import draw, gather
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def test_data_has_every_run_and_every_gap(study: Any) -> None:
    study.grid("batch", {0.1: [0.8, 0.9], 1.0: ["diverged", 0.7], 10.0: ["failed", None]})
    data = gather(read([study.folder], 0.9, 0.05))
    assert data[["lr", "status"]].to_numpy().tolist() == [
        [0.1, "complete"], [0.1, "complete"], [1.0, "diverged"], [1.0, "complete"], [10.0, "failed"],
    ]  # fmt: skip
    assert data["mean"].tolist()[:4] == pytest.approx([0.85, 0.85, 0.7, 0.7])
    assert data["half"][0] == pytest.approx(12.7062 * 0.05, abs=1e-3)
    assert math.isnan(data["half"][2])
    assert data[["complete", "diverged", "failed", "absent"]].to_numpy().tolist()[-1] == [0, 0, 1, 1]


def test_a_strip_below_shows_what_diverged(study: Any) -> None:
    study.grid("none", {0.1: [0.8, 0.9], 1.0: ["diverged", 0.7]})
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    upper, lower = drawn.figure.axes
    assert [text.get_text() for text in lower.texts] == ["1/2"]
    assert upper.get_ylabel() == "val accuracy (0–1)"
    assert "Crosses below" in drawn.caption


def test_the_strip_lists_only_what_diverged(study: Any) -> None:
    for norm, value in (("none", "diverged"), ("batch", 0.9), ("a_norm_with_a_long_name", "diverged")):
        study.grid(norm, {0.1: [0.8], 1.0: [value]})
    study.grid("instance", {0.1: ["refused"]})
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    _, lower = drawn.figure.axes
    assert [label.get_text() for label in lower.get_yticklabels()] == ["none", "a_norm_with_\na_long_name"]
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["none", "a_norm_with_a_long_name", "batch"]
    assert "for conditions that diverged at some rate" in drawn.caption


def test_bands_stay_within_what_an_accuracy_can_be(study: Any) -> None:
    study.grid("batch", {0.1: [0.99, 0.9], 1.0: [0.02, 0.1]})
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    (band,) = drawn.figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0, 1)


def test_no_divergence_no_strip(study: Any) -> None:
    study.grid("none", {0.1: [0.8]})
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    assert len(drawn.figure.axes) == 1


def test_regression_has_no_such_figure(study: Any) -> None:
    study.run(val=None)
    assert draw(read([study.folder], 0.9, 0.05)) == Missing("no finished run has a val accuracy")
