"""Gradient norm by depth."""

from typing import Any

from bnlab.report.figures.grad_by_depth import draw, gather
from bnlab.report.frame import read
from bnlab.report.parts import Drawn, Missing


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
    data = gather(read([study.folder], 0.9, 0.05))
    assert data[["lr", "moment", "step", "depth", "value"]].to_numpy().tolist() == [
        [0.1, "initialization", 0, 0, 1.0],
        [0.1, "initialization", 0, 1, 2.0],
        [0.1, "last recorded step", 7, 0, 71.0],
        [0.1, "last recorded step", 7, 1, 72.0],
    ]


def test_recorded_at_initialization_only(study: Any) -> None:
    record(study.run(), 0)
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    assert set(drawn.data["moment"]) == {"initialization"}


def test_nothing_recorded(study: Any) -> None:
    study.run()
    assert isinstance(draw(read([study.folder], 0.9, 0.05)), Missing)
