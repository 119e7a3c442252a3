"""Ridges of activations through training."""

from typing import Any

from bnlab.report.figures.activation_ridgelines import draw
from bnlab.report.interface import Drawn, Missing


def histograms(writer: Any, steps: range, depth: int = 5, count: int = 3) -> None:
    sites = [f"units.{unit}.before_act" for unit in range(depth)]
    writer.append("sites", [{"site": site, "depth": n, "kind": "before_act"} for n, site in enumerate(sites)])
    bins = [
        {"step": step, "site": site, "left": left, "right": left + 1, "count": count * (step + left)}
        for step in steps
        for site in sites
        for left in (0, 1)
    ]
    writer.append("histograms", [{"quantity": "activation"} | one for one in bins])
    writer.append("histograms", [{"quantity": "weight_grad"} | one for one in bins])
    writer.close()


def test_first_middle_and_last_site_at_some_of_many_steps(study: Any, frame_of: Any) -> None:
    histograms(study.run(seed=1), range(21), count=9)
    histograms(study.run(seed=0), range(21))
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert list(drawn.data["site"].unique()) == [f"units.{unit}.before_act" for unit in (0, 2, 4)]
    steps = list(drawn.data["step"].unique())
    assert len(steps) == 10
    assert (steps[0], steps[-1]) == (0, 20)
    assert set(drawn.data["seed"]) == {0}
    one = drawn.data[(drawn.data["step"] == 20) & (drawn.data["site"] == "units.2.before_act")]
    assert one["count"].tolist() == [60, 63]
    assert len(drawn.figure.axes) == 3
    assert [tick.get_text() for tick in drawn.figure.axes[0].get_yticklabels()] == [str(step) for step in steps]


def test_labels_of_steps_stand_where_they_differ(study: Any, frame_of: Any) -> None:
    for norm, last in (("none", 4), ("batch", 4), ("layer", 3)):
        histograms(study.run(norm), range(last), depth=1)
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    shown = [axes.yaxis.get_tick_params()["labelleft"] for axes in drawn.figure.axes]
    assert shown == [True, False, True]


def test_a_ridge_without_counts_is_left_out(study: Any, frame_of: Any) -> None:
    histograms(study.run(), range(3), depth=1, count=0)
    drawn = draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    drawn.figure.draw_without_rendering()
    assert not drawn.figure.axes[0].patches


def test_two_looks_are_no_training(study: Any, frame_of: Any) -> None:
    histograms(study.run(), range(2))
    missing = draw(frame_of(study))
    assert isinstance(missing, Missing)
    assert "at 3 steps or more: train with diagnostics.activation_histogram.when=[init,epoch,last]" in missing.reason
