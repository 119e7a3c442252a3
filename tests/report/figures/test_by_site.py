"""The figures of diagnostics by site: each has its numbers, or names the setting that records them."""

import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import bnlab
from bnlab.report.figures import (
    activation_histograms,
    activation_ridgelines,
    activations_by_depth,
    covariate_shift,
    dropout_shift,
    feature_maps,
    grad_by_depth,
    grad_through_time,
    landscape,
    memory,
    percentile_bands,
    ranks_by_depth,
    residual_ratio,
    statistics_drift,
    update_ratio,
    weight_alignment,
)
from bnlab.report.interface import Drawn, Missing

CASES: dict[Any, dict[str, str]] = {  # figure -> diagnostic -> kind of site
    activations_by_depth: {
        "activation_std": "before_act", "channel_spread": "before_act", "activation_saturation": "after_act",
        "dead_units": "after_act",
    },
    covariate_shift: {"site_drift": "before_act", "gradient_shift": "weight", "gradient_shift_cosine": "weight"},
    dropout_shift: {"dropout_shift": "before_act"},
    grad_by_depth: {"weight_grad_norm": "weight", "activation_grad_norm": "before_act"},
    ranks_by_depth: dict.fromkeys(("stable_rank", "soft_rank", "soft_rank_unscaled", "mean_cosine"), "before_act"),
    residual_ratio: {"residual_ratio": "after_add"},
    statistics_drift: {"mean_drift": "before_act", "variance_drift": "before_act"},
    update_ratio: {"update_ratio": "weight"},
    weight_alignment: {"weight_grad_cosine": "weight"},
}  # fmt: skip
OTHERS = (
    activation_histograms, activation_ridgelines, feature_maps, grad_through_time, landscape, memory, percentile_bands,
)  # fmt: skip
VALUES = (0.25, math.nan, 0.75, math.inf)


def rows(figure: Any, values: Sequence[float] = VALUES) -> list[tuple[Any, ...]]:
    return [
        (step, f"units.{depth}.{kind}", name, value / (step + 1))
        for step in (0, 4)
        for name, kind in CASES[figure].items()
        for depth, value in enumerate(values)
    ]


@pytest.mark.parametrize("figure", CASES)
@pytest.mark.usefixtures("styled")
def test_every_quantity_is_drawn_with_its_numbers(study: Any, record: Any, frame_of: Any, figure: Any) -> None:
    record(study.run(), rows(figure))
    drawn = figure.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    last = drawn.data[drawn.data["view"] == "last"]
    for name in CASES[figure]:
        mine = last[last["diagnostic"] == name]
        assert mine["x"].tolist() == [0, 1, 2, 3]
        assert mine["mean"].tolist() == pytest.approx([0.05, math.nan, 0.15, math.nan], nan_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn.figure.draw_without_rendering()
    for axes in drawn.figure.axes:
        if axes.get_ylabel():
            assert axes.yaxis.label.get_window_extent().height < 1.15 * axes.bbox.height
    assert "1 seed of complete runs" in drawn.caption


@pytest.mark.parametrize("figure", [*CASES, *OTHERS])
def test_what_is_missing_can_be_asked_for(study: Any, frame_of: Any, figure: Any) -> None:
    study.run()
    missing = figure.draw(frame_of(study))
    assert isinstance(missing, Missing)
    asked = re.search(r"train with diagnostics[=.]\[?([a-z_,]+)", missing.reason)
    assert asked
    known = {path.stem for path in (Path(bnlab.__file__).parents[1] / "conf" / "diagnostics").glob("*.yaml")}
    assert set(asked[1].split(",")) <= known


def test_gradients_at_other_sites_do_not_mix(study: Any, record: Any, frame_of: Any) -> None:
    sites = [(0, f"units.0.{kind}", "activation_grad_norm", 5.0) for kind in ("before_act", "after_act", "output")]
    record(study.run(), [*sites, (0, "units.0.weight", "weight_grad_norm", 2.0)])
    drawn = grad_by_depth.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data["mean"].tolist() == pytest.approx([2, 5])
    assert "activations at before_act sites" in drawn.caption


def test_covariate_shift_by_one_definition_alone(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), [(step, "units.1.weight", "gradient_shift", 3.0) for step in (0, 4)])
    drawn = covariate_shift.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.caption.startswith("Internal covariate shift: how one update of all parameters before a weight")


def test_gradient_through_time_is_the_last_layers(study: Any, record: Any, frame_of: Any) -> None:
    looks = [
        (step, f"units.{layer}.hidden", "grad_through_time", 10.0**-t * (layer + 1), t)
        for step in (0, 4)
        for layer in (0, 1)
        for t in range(1, 13)
    ]
    record(study.run(), looks)
    drawn = grad_through_time.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    first = drawn.data[drawn.data["view"] == "first"]
    assert first["x"].tolist() == list(range(1, 13))  # numbers, not text: 10 behind 9
    assert first["mean"].tolist() == pytest.approx([2 * 10.0**-t for t in range(1, 13)])
    assert drawn.figure.axes[0].get_yscale() == "log"
    assert drawn.figure.axes[0].get_xlabel() == "time step t"


def test_drift_by_time_step_is_averaged(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), [(step, "units.0.hidden", "mean_drift", 10.0**t, t) for step in (0, 4) for t in (1, 3)])
    drawn = statistics_drift.draw(frame_of(study))
    assert isinstance(drawn, Drawn)
    assert drawn.data["mean"].tolist() == pytest.approx([100, 100, 100])
