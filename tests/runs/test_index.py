"""index.csv."""

import csv
from collections.abc import Callable
from pathlib import Path

from bnlab.runs.index import FACTS, rebuild
from bnlab.runs.schema import METRICS
from bnlab.runs.writer import RunWriter

New = Callable[..., RunWriter]


def rows(study: Path) -> list[dict[str, str]]:
    with (study / "index.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_columns_and_order(new_run: New, tmp_path: Path) -> None:
    new_run("a", **{"optim.lr": 10.0, "norm.momentum": None})
    new_run("b", **{"optim.lr": 9.0})
    new_run("c", norm="none", placement="", data="digits").update(
        status="refused", cause="one value, a channel", metrics={"val_accuracy": 0.5}
    )
    assert rebuild(tmp_path / "study") == []
    found = rows(tmp_path / "study")
    axes = ["model", "norm", "placement", "data", "norm.momentum", "optim.lr", "seed"]
    assert list(found[0]) == [*FACTS, *axes, *METRICS]
    # By norm, then by rate as a number; null is told from an axis that the run does not have.
    assert [(row["run_id"], row["norm.momentum"]) for row in found] == [("b", ""), ("a", "null"), ("c", "")]
    assert (found[2]["cause"], found[2]["val_accuracy"]) == ("one value, a channel", "0.5")


def test_half_written_runs_are_named_and_others_indexed(new_run: New, tmp_path: Path) -> None:
    new_run("good")
    study = tmp_path / "study"
    (study / "report").mkdir()
    (study / "begun").mkdir()
    (study / "begun" / "config.yaml").write_text("seed: 0\n")
    for name, content in {"torn": '{"run_id": "to', "list": "[]", "bytes": "\x00", "bare": '{"run_id": "x"}'}.items():
        (study / name).mkdir()
        (study / name / "run.json").write_text(content)
    assert [folder.name for folder in rebuild(study)] == ["bare", "begun", "bytes", "list", "torn"]
    assert [row["run_id"] for row in rows(study)] == ["good"]


def test_rebuilding_changes_nothing(new_run: New, tmp_path: Path) -> None:
    new_run("b")
    new_run("a")
    rebuild(tmp_path / "study")
    first = (tmp_path / "study" / "index.csv").read_bytes()
    rebuild(tmp_path / "study")
    assert (tmp_path / "study" / "index.csv").read_bytes() == first
