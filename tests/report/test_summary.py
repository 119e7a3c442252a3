"""The sentences at the head of the page."""

import json
from typing import Any

import pytest

from bnlab.report.frame import Frame
from bnlab.report.reading import read
from bnlab.report.summary import summary, warnings


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def test_best_is_chosen_on_val_and_told_on_test(study: Any) -> None:
    study.grid("none", {0.01: [0.5, 0.5], 0.1: [0.8, 0.8], 1.0: ["diverged", "diverged"]}, test=0.9)
    study.grid("batch", {0.01: [0.5, 0.5], 0.1: [0.85, 0.85], 1.0: [0.83, 0.83]}, test=0.7)
    assert summary(frame(study)) == [
        "Best on val: batch at lr 0.1, test accuracy 0.700 [0.700, 0.700] (95 %, n = 2).",
        "Its difference from none, paired by seed: -0.200 [-0.200, -0.200] (95 %, n = 2).",
        "Highest stable learning rate: ≥ 1 (batch).",
    ]
    assert warnings(frame(study)) == []


def test_a_run_that_cannot_be_read_is_not_one_that_never_began(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.5], 1.0: [0.5, 0.5]})
    (study.folder / "run0001" / "run.json").write_text("{torn")
    packs = [{"id": "a", "runs": {f"run{number:04}": "" for number in range(1, 5)}}]
    (study.folder / "packs.json").write_text(json.dumps({"packs": packs}))
    assert not any("not started" in line for line in warnings(frame(study)))
    (study.folder / "run0004" / "run.json").unlink()
    (study.folder / "run0004" / "config.yaml").unlink()
    assert "incomplete: 1 not started; results may change" in warnings(frame(study))


def test_what_nobody_has_planned_is_not_waited_for(study: Any) -> None:
    study.run("batch", lr=0.1)
    study.run("none", lr=0.01, seed=1)
    assert warnings(frame(study)) == []


@pytest.mark.parametrize(("more", "words"), [(1, "1 run shares condition"), (2, "2 runs share condition")])
def test_runs_that_nothing_tells_apart_are_counted(study: Any, more: int, words: str) -> None:
    for _ in range(1 + more):
        study.run("batch")
    (found,) = warnings(frame(study))
    assert found.startswith(words)


def test_one_condition_is_compared_with_nothing(study: Any) -> None:
    study.run("batch")
    assert summary(frame(study)) == []


def test_what_is_not_there_yet(study: Any) -> None:
    study.grid("batch", {0.1: [0.9, 0.8, "failed"], 1.0: ["running", "diverged", None]})
    found = warnings(frame(study))
    assert found[0] == "incomplete: 1 running or interrupted, 1 failed; results may change"


def test_what_the_sweep_has_planned_and_nobody_has_begun(study: Any) -> None:
    study.run("batch", lr=0.1)
    common = "bnlab train norm=batch optim.lr=0.1 launcher=fused output_dir=x placement.before_act=true"
    packs = [{"id": "a", "runs": {"run0001": common, "other": f"{common} seed=7"}}, {"id": "b", "runs": {"third": ""}}]
    (study.folder / "packs.json").write_text(json.dumps({"packs": packs}))
    assert warnings(frame(study)) == [
        "incomplete: 2 not started; results may change",
        "requested, but not started: seed=7",
    ]


def test_nothing_is_lacking_of_which_a_run_has_begun(study: Any) -> None:
    study.run("batch", lr=0.1, seed=0)
    study.run("none", lr=0.1, seed=0)
    packs = [{"id": "a", "runs": {"third": "bnlab train --config-dir my norm=none seed=0 optim.lr=0.10"}}]
    (study.folder / "packs.json").write_text(json.dumps({"packs": packs}))
    assert warnings(frame(study)) == ["incomplete: 1 not started; results may change"]


def test_best_rates_at_the_edge_are_named_a_few_of_many(study: Any) -> None:
    for number in range(11):
        study.grid(f"norm{number:02d}", {0.1: [0.9], 1.0: [0.8]})
    (found,) = warnings(frame(study))
    assert found.startswith(
        "best lr at the edge of the grid, or of its finished part; a lower one may be better: norm00"
    )
    assert found.endswith("norm07 (0.1) and 3 more")


def test_nothing_has_an_accuracy(study: Any) -> None:
    study.run("none", val=None, classes=None)
    study.run("batch", val=None, classes=None)
    assert summary(frame(study)) == []
    assert warnings(frame(study)) == []
    study.run("batch", lr=1.0, val=None, classes=None)
    assert warnings(frame(study))[-1].startswith("no val accuracy to choose a learning rate by")
