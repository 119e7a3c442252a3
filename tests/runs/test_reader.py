"""`bnlab.load`."""

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bnlab
from bnlab.errors import BadInput
from bnlab.runs.index import rebuild
from bnlab.runs.schema import COLUMNS
from bnlab.runs.writer import RunWriter

New = Callable[..., RunWriter]


def test_one_row_a_run_with_types(new_run: New, tmp_path: Path) -> None:
    new_run("a", **{"norm.affine": True, "norm.momentum": None, "data.drop_last": True}).update(
        status="complete", metrics={"val_accuracy": 0.5}
    )
    new_run("b", norm="none", **{"data.drop_last": False}).update(
        status="diverged", diverged_at=3, metrics={"train_loss": math.inf}
    )
    runs = bnlab.load(tmp_path / "study").runs
    assert runs["run_id"].tolist() == ["a", "b"]
    assert runs["seed"].dtype == "int64"
    assert runs["data.drop_last"].dtype == "bool"
    assert runs["norm.affine"].tolist() == [True, None]
    assert runs["norm.momentum"].isna().all()
    assert runs["optim.lr"].tolist() == [0.1, 0.1]
    assert runs["diverged_at"].isna().tolist() == [True, False]
    assert runs["train_loss"].tolist()[1] == math.inf
    assert runs["study"].tolist() == ["study", "study"]


def test_runs_come_in_the_order_of_the_index(new_run: New, tmp_path: Path) -> None:
    axes: list[dict[str, Any]] = [
        {"norm": norm, "optim.lr": lr, "seed": seed, "norm.eps": eps}
        for norm, eps in (("none", None), ("batch", 1e-5), ("batch", True), ("layer", "x"))
        for lr in (10.0, 9, 0.1)
        for seed in (1, 0)
    ]
    for number, one in enumerate([*axes, {"norm": "batch"}]):
        new_run(f"run{number:02}", **one)
    rebuild(tmp_path / "study")
    found = bnlab.load(tmp_path / "study").runs
    with (tmp_path / "study" / "index.csv").open(newline="") as handle:
        assert found["run_id"].tolist() == [row["run_id"] for row in csv.DictReader(handle)]
    assert found["norm"].tolist() == sorted(found["norm"])
    assert found[found["norm"] == "none"][["optim.lr", "seed"]].to_numpy().tolist() == [
        [0.1, 0], [0.1, 1], [9, 0], [9, 1], [10, 0], [10, 1]
    ]  # fmt: skip


def test_tables_are_long_and_begin_with_the_run(new_run: New, tmp_path: Path) -> None:
    for run_id in ("a", "b"):
        with new_run(run_id) as writer:
            writer.append("steps", [{"step": 1, "loss": 0.5}, {"step": 2, "loss": math.nan}])
            writer.append("evals", [{"step": 2, "split": "val", "mode": "running", "accuracy": 0.25, "n": 10}])
            writer.append("layers", [{"step": 0, "site": "NA", "diagnostic": "None", "value": math.inf}])
    runs = bnlab.load(tmp_path / "study")
    assert list(runs.steps.columns) == ["run_id", *COLUMNS["steps"]]
    assert runs.steps["run_id"].tolist() == ["a", "a", "b", "b"]
    assert runs.steps["step"].dtype == "int64"
    assert runs.steps["loss"].isna().tolist() == [False, True, False, True]
    assert runs.steps["accuracy"].isna().all()
    assert runs.layers["site"].tolist() == ["NA", "NA"]  # a name, not a missing value
    assert runs.layers["value"].tolist() == [math.inf, math.inf]
    assert runs.histograms.empty
    assert list(runs.histograms.columns) == ["run_id", *COLUMNS["histograms"]]
    assert runs.steps is runs.steps


@pytest.mark.parametrize(("tail", "steps"), [("3,0.1,5", [1, 2]), ("3,,,,,,,\n", [1, 2, 3]), ("", [1, 2])])
def test_a_torn_last_line_is_left_out(new_run: New, tail: str, steps: list[int]) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1}, {"step": 2}])
    with (writer.folder / "steps.csv").open("a") as handle:
        handle.write(tail)
    assert bnlab.load(writer.folder).steps["step"].tolist() == steps


def test_a_torn_header_is_an_empty_table(new_run: New) -> None:
    writer = new_run()
    (writer.folder / "evals.csv").write_text("step,epo")
    assert bnlab.load(writer.folder).evals.empty


@pytest.mark.parametrize(
    "content", ["step,colour\n1,red\n", ",".join(COLUMNS["steps"]) + "\n1,x,,,,,,\n", "a\n1,2\n3\n4,5,6\n"]
)
def test_a_damaged_table_is_named(new_run: New, content: str) -> None:
    writer = new_run()
    (writer.folder / "steps.csv").write_text(content)
    with pytest.raises(BadInput, match=r"steps\.csv") as error:
        _ = bnlab.load(writer.folder).steps
    assert "\n" not in str(error.value)


def test_garbage_run_json_is_kept_apart(new_run: New, tmp_path: Path) -> None:
    new_run("a")
    (new_run("b").folder / "run.json").write_text("{")
    runs = bnlab.load(str(tmp_path / "study"))
    assert list(runs.infos) == ["a"]
    assert [folder.name for folder in runs.unreadable] == ["b"]
    with pytest.raises(BadInput, match=r"no run can be read: .*b/run\.json cannot be read"):
        bnlab.load(tmp_path / "study" / "b")


def test_a_run_from_a_newer_version_is_refused(new_run: New) -> None:
    writer = new_run()
    info = json.loads((writer.folder / "run.json").read_text()) | {"schema": 99}
    (writer.folder / "run.json").write_text(json.dumps(info))
    with pytest.raises(BadInput, match=r"schema 99.*use a newer bnlab"):
        bnlab.load(writer.folder)


def test_a_run_in_two_studies_is_one_run_and_the_finished_one(new_run: New, tmp_path: Path) -> None:
    unfinished = new_run("a")
    other = RunWriter(tmp_path / "other" / "a")
    other.create("", json.loads((unfinished.folder / "run.json").read_text()))
    other.update(status="complete")
    runs = bnlab.load([tmp_path / "study", tmp_path / "other"]).runs
    assert runs[["study", "status"]].to_numpy().tolist() == [["other", "complete"]]


def test_paths_that_hold_no_runs(new_run: New, tmp_path: Path) -> None:
    new_run()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for path, message in {
        tmp_path / "nowhere": "nowhere does not exist: give a study's folder .*`bnlab train`",
        tmp_path / "file": "file is a file: give a study's folder",
        tmp_path / "empty": "empty holds no run: give a study's folder",
        tmp_path: "holds no run; it holds studies, give one: .*study",
    }.items():
        with pytest.raises(BadInput, match=message):
            bnlab.load(path)
    with pytest.raises(BadInput, match="no folder given"):
        bnlab.load([])


def test_importing_is_quick_and_knows_no_torch() -> None:
    code = (
        "import sys, bnlab, bnlab.report; assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules); bnlab.load; "
    )
    code += "from bnlab.report import builder; from bnlab.report.interface import modules; "
    code += "modules('tables'); modules('figures'); assert 'torch' not in sys.modules and 'pandas' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_version_is_the_installed_one() -> None:
    assert bnlab.__version__.count(".") >= 1
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = bnlab.lod
