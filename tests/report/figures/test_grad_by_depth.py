"""Gradient norm by depth."""

from typing import Any

import pytest

from bnlab.report.figures.grad_by_depth import draw
from bnlab.report.interface import Drawn
from bnlab.report.reading import read


def record(writer: Any, *steps: int) -> None:
    writer.append("sites", [{"site": f"units.{n}.weight", "depth": n, "kind": "weight"} for n in (0, 1)])
    rows = [
        {"step": step, "site": f"units.{n}.weight", "diagnostic": "weight_grad_norm", "value": 10 * step + n + 1}
        for step in steps
        for n in (0, 1)
    ]
    writer.append("layers", [*rows, {"step": 0, "site": "units.0.weight", "diagnostic": "other", "value": 99}])
    writer.close()


def test_first_and_last_step_of_the_best_rate(study: Any) -> None:
    record(study.run(lr=0.1, val=0.9), 0, 5, 7)
    record(study.run(lr=1.0, val=0.5), 0, 5, 7)
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    assert drawn.data["mean"].tolist() == pytest.approx([1, 2, 71, 72])
    assert drawn.data[["lr", "view", "step", "x"]].to_numpy().tolist() == [
        [0.1, "first", 0, 0], [0.1, "first", 0, 1], [0.1, "last", 7, 0], [0.1, "last", 7, 1],
    ]  # fmt: skip


def test_both_gradients_below_each_other(study: Any) -> None:
    writer = study.run()
    record(writer, 0, 5)
    writer.append("sites", [{"site": "units.0.before_act", "depth": 0, "kind": "before_act"}])
    sites = [{"step": step, "site": "units.0.before_act", "diagnostic": "activation_grad_norm"} for step in (0, 5)]
    writer.append("layers", [row | {"value": 1.0} for row in sites])
    writer.close()
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    labels = [axes.get_ylabel().partition(",")[0] for axes in drawn.figure.axes]
    assert labels == ["gradient of the weight", "", "gradient of the activations", ""]
    assert all(axes.get_yscale() == "log" for axes in drawn.figure.axes)
