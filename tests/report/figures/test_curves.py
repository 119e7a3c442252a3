"""Loss and gradient norm through training."""

import math
from typing import Any

import pytest

from bnlab.report.figures import _curves, grad_norm, loss_curves
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def test_a_diverged_curve_ends_at_its_last_finite_value(study: Any) -> None:
    study.run("none", status="diverged", losses=[2.0, 8.0, math.inf, math.nan])
    study.run("none", seed=1, losses=[2.0, 1.0])
    data, width = _curves.gather(frame(study), "loss")
    assert width == 1
    assert data[data["diverged"]]["loss"].tolist() == [2.0, 8.0]
    assert data[~data["diverged"]]["step"].tolist() == [1, 2]


def test_long_curves_are_averaged_over_equal_steps(study: Any) -> None:
    study.run("none", losses=[float(n) for n in range(1, 301)])
    data, width = _curves.gather(frame(study), "loss")
    assert width == 2
    assert data["step"].tolist()[:3] == [2, 4, 6]
    assert data["loss"].tolist()[:3] == [1.5, 3.5, 5.5]


@pytest.mark.parametrize("figure", [loss_curves, grad_norm])
def test_one_panel_a_rate_below_the_best(study: Any, figure: Any) -> None:
    for lr in (0.1, 1.0):
        for norm in ("none", "batch"):
            study.run(norm, lr, losses=[2.0, 1.0])
    drawn = figure.draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert [axes.get_title() for axes in drawn.figure.axes] == ["each at its best lr", "lr 0.1", "lr 1"]
    assert "1 seed" in drawn.caption


def test_variants_have_panels_of_their_own(study: Any) -> None:
    study.run("none", losses=[2.0, 1.0])
    for place in ("before_act", "after_act"):
        study.run("batch", losses=[2.0, 1.0], axes={"placement": place})
    drawn = loss_curves.draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert [axes.get_title() for axes in drawn.figure.axes] == ["after_act", "before_act"]
    assert [len(axes.get_legend().get_texts()) for axes in drawn.figure.axes] == [2, 2]


def test_every_run_diverged_at_once(study: Any) -> None:
    study.run("none", status="diverged", losses=[2.0, math.nan], diverged_at=1)
    study.run("none", seed=1, status="diverged", losses=[math.nan], diverged_at=0)  # no curve, and counted
    drawn = loss_curves.draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert "0 seeds" in drawn.caption
    assert [text.get_text() for text in drawn.figure.axes[0].texts] == ["none 2/2 diverged"]


def test_no_steps_no_figure(study: Any) -> None:
    study.run("none")
    study.run("none", seed=1, status="failed", losses=[2.0])
    assert loss_curves.draw(frame(study)) == Missing("no finished run has logged its training loss")


def sizes(study: Any, long: int) -> Drawn:
    for size, length in ((2, long), (64, 10)):
        for norm in ("none", "batch"):
            study.run(norm, losses=[2.0] * length, axes={"data.batch_size": size})
    drawn = loss_curves.draw(frame(study))
    assert isinstance(drawn, Drawn)
    return drawn


def test_no_panel_is_a_stub_beside_a_long_one(study: Any) -> None:
    drawn = sizes(study, 31)
    ends = [axes.get_xlim()[1] for axes in drawn.figure.axes]
    assert ends[0] > 31 > 11 > ends[1]
    assert "Panels differ in their axis of steps." in drawn.caption


def test_panels_of_about_one_length_share_their_axis(study: Any) -> None:
    drawn = sizes(study, 30)
    assert len({axes.get_xlim() for axes in drawn.figure.axes}) == 1
    assert "Panels differ" not in drawn.caption
