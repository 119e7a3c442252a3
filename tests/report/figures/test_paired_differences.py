"""The forest plot of paired differences."""

import math
from typing import Any

import pytest

from bnlab.report.figures.paired_differences import draw, gather
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def labels(part: Drawn | Missing) -> list[str]:
    assert isinstance(part, Drawn)
    return [label.get_text() for label in part.figure.axes[0].get_yticklabels()]


def test_means_intervals_and_single_seeds(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.6, 0.7]})
    study.grid("batch", {0.1: [0.6, 0.8, 1.0]})
    data = gather(frame(study))
    assert data["difference"].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert data["mean"][0] == pytest.approx(0.2)
    assert data["high"][0] == pytest.approx(0.2 + 4.302652730 * 0.1 / math.sqrt(3))
    drawn = draw(frame(study))
    assert labels(drawn) == ["batch"]
    assert isinstance(drawn, Drawn)
    assert drawn.figure.axes[0].get_xlabel() == "test accuracy, difference from none (0–1)"
    assert [text.get_text() for text in drawn.figure.axes[0].texts] == ["+0.200 ± 0.248 (n = 3)"]
    assert "n = 3 pairs" in drawn.caption


def test_one_pair_has_no_interval_and_divergence_is_counted(study: Any) -> None:
    study.grid("none", {0.1: [0.5, "diverged"]})
    study.grid("batch", {0.1: [0.75, 0.8]})
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert [text.get_text() for text in drawn.figure.axes[0].texts] == ["+0.250 (n = 1, 1 diverged)"]


def test_each_variant_has_its_own_reference(study: Any) -> None:
    for size in (4, 16):
        for norm in ("batch", "layer"):
            study.run(norm, axes={"data.batch_size": size})
    study.run("none", axes={"data.batch_size": 16})
    assert labels(draw(frame(study))) == [
        "batch · batch_size 16 − none", "layer · batch_size 4 − batch", "layer · batch_size 16 − none",
    ]  # fmt: skip


def test_variants_of_one_norm_are_compared_with_the_first(study: Any) -> None:
    for size in (4, 16):
        study.run("batch", axes={"data.batch_size": size})
    drawn = draw(frame(study))
    assert labels(drawn) == ["batch · batch_size 16"]
    assert isinstance(drawn, Drawn)
    assert "difference from batch_size 4" in drawn.figure.axes[0].get_xlabel()


def test_no_common_seed(study: Any) -> None:
    study.run("none", seed=0)
    study.run("batch", seed=1)
    assert isinstance(draw(frame(study)), Missing)
