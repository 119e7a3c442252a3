"""Sorting runs into conditions and cells."""

import json
from typing import Any

import pytest

from bnlab.errors import BadInput
from bnlab.report.frame import Frame, read, span


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def test_conditions_cells_and_shown_runs(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.6], 1.0: ["diverged", 0.9]})
    study.grid("batch", {0.1: [0.7, 0.6], 1.0: [0.9, 0.8]})
    found = frame(study)
    assert [one.label for one in found.conditions] == ["none", "batch"]
    assert [[(cell.lr, cell.complete, cell.diverged) for cell in cells] for cells in found.cells] == [
        [(0.1, 2, 0), (1.0, 1, 1)],
        [(0.1, 2, 0), (1.0, 2, 0)],
    ]
    assert found.at_shown(0)["val_accuracy"].tolist() == [0.5, 0.6]
    assert found.at_shown(1)["val_accuracy"].tolist() == [0.9, 0.8]
    assert (found.rates, found.seeds, found.classes(0)) == ([0.1, 1.0], "2 seeds", 10)


def test_constants_name_each_axis_once_and_whose_it_is(study: Any) -> None:
    study.run("none")
    study.run("batch")
    study.run("layer", axes={"clip": None})
    found = frame(study)
    assert found.constants["placement"] == "before_act"  # `none` has none: it does not contradict
    assert found.constants["norm.eps"] == "1e-05 (batch), 1e-06 (layer)"
    assert not {"norm", "optim.lr", "seed"} & set(found.constants)
    assert found.configuration == (
        "model mlp, depth 4, width 256, activation relu, placement before_act, data digits, batch_size 64, optim sgd, "
        "optim.momentum 0.9, schedule constant, epochs 10"
    )


def test_several_studies_are_one_frame(study: Any, tmp_path: Any) -> None:
    study.run("batch")
    other = type(study)(tmp_path / "outputs" / "other")
    other.count = 100  # run ids of its own
    other.run("layer")
    found = read([study.folder, other.folder], 0.9, 0.05)
    assert [one.label for one in found.conditions] == ["batch", "layer"]
    assert found.runs["study"].tolist() == ["synthetic", "other"]


def test_regression_has_cells_without_accuracy(study: Any) -> None:
    study.run("batch", val=None, classes=None)
    found = frame(study)
    assert not found.has_accuracy
    assert found.classes(0) is None
    assert found.sensitivity[0].best_lr is None
    assert found.sensitivity[0].shown_lr == 0.1


def test_a_run_without_a_rate_is_bad_input(study: Any) -> None:
    writer = study.run("batch")
    info = json.loads((writer.folder / "run.json").read_text())
    del info["axes"]["optim.lr"]
    (writer.folder / "run.json").write_text(json.dumps(info))
    with pytest.raises(BadInput, match=r"run\.json has no optim\.lr"):
        frame(study)


def test_runs_that_share_condition_rate_and_seed_are_counted(study: Any) -> None:
    study.run(seed=0)
    study.run(seed=0)
    study.run(seed=1)
    assert frame(study).repeated == 1


def test_many_panels_are_the_first_and_it_is_said(study: Any) -> None:
    for number in range(14):
        for norm in ("none", "batch"):
            study.run(norm, axes={"model.depth": number})
    found = frame(study)
    assert [title for title, _ in found.panels] == [f"depth {number}" for number in range(12)]
    assert found.arrangement == "12 of 14 panels are drawn. "


def test_span() -> None:
    assert [span([3, 3]), span([1]), span([1, 3]), span([])] == ["3 seeds", "1 seed", "1 to 3 seeds", "0 seeds"]


def test_a_condition_that_did_not_learn_is_called_so(study: Any) -> None:
    study.run("none", val=0.12)
    study.run("batch", val=0.9)
    study.run("layer", val=0.12, classes=None, axes={"data": "other"})  # nobody knows
    found = frame(study)
    names = [found.at_best(place, one.norm) for place, one in enumerate(found.conditions)]
    assert sorted(names) == ["batch, lr 0.1", "layer, lr 0.1", "none, lr 0.1, did not learn"]
