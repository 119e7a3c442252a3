"""Activation histograms."""

from typing import Any

from bnlab.report.figures.activation_histograms import draw, gather
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def record(writer: Any, kinds: tuple[str, ...] = ("after_act", "before_act"), depth: int = 2) -> None:
    sites = [(f"units.{n}.{kind}", n, kind) for n in range(depth) for kind in kinds]
    writer.append("sites", [{"site": site, "depth": n, "kind": kind} for site, n, kind in sites])
    rows = [
        {"step": step, "site": site, "quantity": "activation", "left": left, "right": left + 1, "count": step + left}
        for step in (0, 3, 9)
        for site, _, _ in sites
        for left in (0, 1)
    ]
    writer.append("histograms", rows)
    writer.close()


def test_first_and_last_step_of_one_run_at_one_kind_of_site(study: Any) -> None:
    record(study.run(seed=1, val=0.9))
    record(study.run(seed=0, val=0.9))
    data = gather(read([study.folder], 0.9, 0.05))
    assert set(data["kind"]) == {"before_act"}
    assert set(data["seed"]) == {0}
    assert data.groupby("moment")["step"].unique().map(list).to_dict() == {"after training": [9], "initialization": [0]}
    assert len(data) == 2 * 2 * 2


def test_many_sites_and_conditions_are_thinned_and_said(study: Any) -> None:
    for norm in ("none", "batch", "layer", "group", "instance", "rms", "weight"):
        record(study.run(norm), ("output",), depth=12)
    drawn = draw(read([study.folder], 0.9, 0.05))
    assert isinstance(drawn, Drawn)
    assert len(drawn.figure.axes) == 8 * 6
    assert "8 of 12 sites are drawn. 6 of 7 conditions are drawn." in drawn.caption


def test_nothing_recorded(study: Any) -> None:
    study.run()
    assert isinstance(draw(read([study.folder], 0.9, 0.05)), Missing)
