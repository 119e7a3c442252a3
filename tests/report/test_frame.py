"""Grouping of runs into conditions and cells."""

import json
from typing import Any

import pytest

from bnlab.errors import BadInput
from bnlab.report.frame import Frame, span
from bnlab.report.reading import read
from bnlab.report.summary import left_out


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
    assert found.constants["placement"] == "before_act"  # `none` has no placement, which does not contradict
    assert found.constants["norm.eps"] == "1e-05 (batch), 1e-06 (layer)"
    assert not {"norm", "optim.lr", "seed"} & set(found.constants)
    assert found.configuration == (
        "model mlp, depth 4, width 256, activation relu, placement before_act, data digits, batch_size 64, optim sgd, "
        "optim.momentum 0.9, schedule constant, epochs 10"
    )


def test_the_configuration_is_what_every_run_has(study: Any) -> None:
    study.run("batch")
    study.run("batch", axes={"model": "lstm", "model.width": 100, "placement": "cell+hidden_to_hidden"})
    study.run("none", axes={"clip": 1.0})
    found = frame(study)
    assert found.configuration == (
        "depth 4, activation relu, data digits, batch_size 64, optim sgd, optim.momentum 0.9, schedule constant, "
        "epochs 10"
    )
    assert found.constants["placement"] == "before_act (mlp), cell+hidden_to_hidden (lstm)"


def test_several_studies_are_one_frame(study: Any, tmp_path: Any) -> None:
    study.run("batch")
    other = type(study)(tmp_path / "outputs" / "other")
    other.count = 100  # distinct run ids
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


# Changed values of a run.json; ... for a missing key.
MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "no rate": ({"axes": {"optim.lr": ...}}, "has no optim.lr among its axes"),
    "no seed": ({"axes": {"seed": ...}}, "has no seed among its axes"),
    "neither": ({"axes": {"seed": ..., "optim.lr": ...}}, "has no optim.lr and no seed among its axes"),
    "a rate beyond all": ({"axes": {"optim.lr": 1e300}}, "has optim.lr=1e+300, and reports accept 1e-100 to 1e+100"),
    "a rate next to nothing": ({"axes": {"optim.lr": 1e-200}}, "has optim.lr=1e-200"),
    "a negative rate": ({"axes": {"optim.lr": -1}}, "optim.lr should be a number above 0"),
    "an accuracy in percent": ({"metrics": {"val_accuracy": 93.0}}, "val_accuracy is 93, not between 0 and 1"),
    "a negative accuracy": ({"metrics": {"test_accuracy": -0.1}}, "test_accuracy is -0.1"),
    "an infinite accuracy": ({"metrics": {"train_accuracy": "inf"}}, "train_accuracy is inf"),
    "a metric that is a word": ({"metrics": {"val_loss": "low"}}, "metrics.val_loss"),
    "seconds beyond all": ({"seconds": 1e300}, "seconds: should be"),
    "axes that are a list": ({"axes": []}, "axes"),
}


@pytest.mark.parametrize(("odd", "reason"), MISFITS.values(), ids=MISFITS)
def test_a_run_that_cannot_be_placed_is_left_out_and_named(study: Any, odd: dict[str, Any], reason: str) -> None:
    study.run("none")
    path = study.run("batch").folder / "run.json"
    info = json.loads(path.read_text())
    for key, value in odd.items():
        both = info[key] | value if isinstance(value, dict) else value
        info[key] = {name: one for name, one in both.items() if one is not ...} if isinstance(both, dict) else both
    path.write_text(json.dumps(info))
    found = frame(study)
    assert found.runs["run_id"].tolist() == ["run0001"]
    (line,) = left_out(found)
    assert line.startswith(f"left out: {path}")
    assert reason in line


def test_with_no_run_left_the_first_reason_is_told(study: Any) -> None:
    study.run("batch", axes={"optim.lr": 1e-200})
    with pytest.raises(BadInput, match=r"no run can be reported: .*run0001/run\.json has optim\.lr"):
        frame(study)


def test_an_axis_may_have_the_name_of_a_fact(study: Any) -> None:
    study.run("none", axes={"status": "failed", "run_id": "x", "val_accuracy": 0.1, "seconds": None})
    assert frame(study).runs[["run_id", "status", "val_accuracy", "seconds"]].to_numpy().tolist() == [
        ["run0001", "complete", 0.9, 1.5]
    ]


def test_rates_have_the_digits_that_tell_them_apart(study: Any) -> None:
    for lr in (0.1, 0.3, 0.30000000000000004):
        study.run("none", lr=lr)
    found = frame(study)
    assert [found.rate(lr) for lr in found.rates] == ["0.1", "0.3", "0.30000000000000004"]
    assert found.rate(None) == "–"


LABELS: dict[str, tuple[list[Any], list[str]]] = {
    "numbers alike": ([1e-5, 1.0000000000001e-5], ["eps 1e-05", "eps 1.0000000000001e-05"]),
    "a number and its text": ([1, "1"], ["eps 1", 'eps "1"']),
    "whole and not": ([1, 1.0], ["eps 1", "eps 1.0"]),
    "null and its word": ([None, "null"], ["eps null", 'eps "null"']),
    "long names": (
        ["x" * 99, "x" * 50 + "y" + "x" * 48],
        [f"eps {'x' * 26}…{'x' * 13}", f"eps {'x' * 26}…{'x' * 13} (2)"],
    ),
    "lists": ([[1, 2], [1, [2]]], ["eps [1, 2]", "eps [1, [2]]"]),
}


@pytest.mark.parametrize(("values", "labels"), LABELS.values(), ids=LABELS)
def test_no_two_conditions_have_one_label(study: Any, values: list[Any], labels: list[str]) -> None:
    for number, value in enumerate(values):
        study.run("batch", val=0.1 + 0.1 * number, axes={"norm.eps": value})
    found = frame(study)
    assert sorted(one.label.removeprefix("batch · ") for one in found.conditions) == sorted(labels)
    assert sorted(found.by_seed(place, "val_accuracy").mean() for place in range(2)) == pytest.approx([0.1, 0.2])
    assert len(found.panels) == 1


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
    study.run("layer", val=0.12, classes=None, axes={"data": "other"})  # unknown
    found = frame(study)
    names = [found.at_best(place, one.norm) for place, one in enumerate(found.conditions)]
    assert sorted(names) == ["batch, lr 0.1", "layer, lr 0.1", "none, lr 0.1, did not learn"]


def test_a_long_grid_has_all_its_rates_in_panels(study: Any) -> None:
    rates = [round(0.01 * 1.3**n, 6) for n in range(20)]
    for norm in ("none", "batch"):
        study.grid(norm, {rate: [0.5] for rate in rates})
    assert frame(study).panel_rates == rates


def test_panels_of_a_search_show_the_rates_that_conditions_share(study: Any) -> None:
    shared = [0.001, 0.1, 10.0]
    for norm, first in (("none", 0.2), ("batch", 2.0)):
        own = [round(first * 1.02**n, 6) for n in range(20)]
        study.grid(norm, {rate: [0.5] for rate in [*shared, *own]})
    found = frame(study)
    assert len(found.rates) == 43
    assert found.panel_rates == shared


def test_panels_of_one_search_show_a_few_of_its_rates(study: Any) -> None:
    rates = [round(0.2 * 1.02**n, 6) for n in range(40)]
    study.grid("batch", {rate: [0.5] for rate in rates})
    found = frame(study).panel_rates
    assert len(found) == 16
    assert (found[0], found[-1]) == (rates[0], rates[-1])


def test_after_a_search_the_rates_of_other_conditions_are_not_missing(study: Any) -> None:
    for norm, first in (("none", 0.2), ("batch", 2.0)):
        study.grid(norm, {rate: [0.9] for rate in [0.001, *(round(first * 1.02**n, 6) for n in range(20)), 10.0]})
    found = frame(study)
    assert [len(cells) for cells in found.cells] == [22, 22]
    assert not any(cell.absent for cells in found.cells for cell in cells)
    assert {one.above for one in found.sensitivity} == {"grid"}
