"""The writer of a run's folder."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnlab.errors import BadInput
from bnlab.runs.files import Foreign, checksum
from bnlab.runs.schema import COLUMNS, RUN_KEYS, VERSION
from bnlab.runs.writer import RunWriter

New = Callable[..., RunWriter]


def test_create_writes_the_config_and_every_key_of_run_json(new_run: New) -> None:
    writer = new_run()
    assert (writer.folder / "config.yaml").read_text() == "seed: 0\n"
    info = json.loads((writer.folder / "run.json").read_text())
    assert tuple(info) == RUN_KEYS
    assert (info["status"], info["schema"], info["cause"]) == ("running", VERSION, None)


def test_append_writes_one_header_and_short_floats(new_run: New) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1, "loss": 1 / 3, "lr": 0.1}])
        writer.append("steps", [{"step": 2, "loss": math.nan}, {"step": 3, "loss": math.inf}])
        # Flushed: a reader sees the rows while the run lives.
        lines = (writer.folder / "steps.csv").read_text().splitlines()
    assert lines == [",".join(COLUMNS["steps"]), "1,,,0.1,0.333333333,,,", "2,,,,nan,,,", "3,,,,inf,,,"]


def test_a_second_writer_adds_no_second_header(new_run: New) -> None:
    with new_run() as writer:
        writer.append("layers", [{"step": 0, "site": "a"}])
    with RunWriter(writer.folder) as again:
        again.append("layers", [{"step": 1, "site": "b"}])
    assert len((writer.folder / "layers.csv").read_text().splitlines()) == 3


def test_unknown_columns_keys_and_statuses_are_refused(new_run: New) -> None:
    with new_run() as writer:
        with pytest.raises(ValueError, match=r"steps\.csv has no column los"):
            writer.append("steps", [{"los": 1}])
        with pytest.raises(ValueError, match="line break"):
            writer.append("sites", [{"site": "a\nb"}])
        with pytest.raises(ValueError, match="no key colour"):
            writer.update(colour="red")
        with pytest.raises(ValueError, match="status 'done'"):
            writer.update(status="done")
        writer.update(status="complete")
    assert json.loads((writer.folder / "run.json").read_text())["status"] == "complete"


def test_update_keeps_the_other_keys_also_in_a_new_writer(new_run: New) -> None:
    writer = new_run()
    RunWriter(writer.folder).update(
        status="diverged", diverged_at=7, metrics={"train_loss": math.inf, "val_loss": None}
    )
    text = (writer.folder / "run.json").read_text()
    info = json.loads(text, parse_constant=pytest.fail)  # strict JSON: no bare NaN or Infinity
    assert (info["status"], info["diverged_at"], info["run_id"]) == ("diverged", 7, "a")
    assert info["metrics"] == {"train_loss": "inf", "val_loss": None}


def test_truncate_returns_to_a_checkpoint(new_run: New) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1}])
        writer.append("sites", [{"site": "a"}])
        lengths = writer.lengths()
        before = {name: (writer.folder / f"{name}.csv").read_bytes() for name in lengths}
        writer.append("steps", [{"step": 2}])
        writer.append("evals", [{"step": 2}])
    with (writer.folder / "steps.csv").open("a") as handle:
        handle.write("3,0.")  # torn by a kill
    with RunWriter(writer.folder) as resumed:
        resumed.truncate(lengths)
        assert {name: (writer.folder / f"{name}.csv").read_bytes() for name in lengths} == before
        assert not (writer.folder / "evals.csv").exists()
        resumed.append("steps", [{"step": 2}])
        # sites.csv counts although this writer has not opened it.
        assert resumed.lengths()["sites"] == lengths["sites"]
    assert (writer.folder / "steps.csv").read_text().splitlines()[1:] == ["1,,,,,,,", "2,,,,,,,"]


def test_truncate_refuses_files_that_lost_rows(new_run: New) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1}])
        with pytest.raises(BadInput, match=r"steps\.csv has \d+ bytes, its checkpoint expects 9999"):
            writer.truncate({"steps": 9999})
        with pytest.raises(BadInput, match=r"evals\.csv has 0 bytes"):
            writer.truncate({"evals": 10})


def test_create_clears_what_an_earlier_attempt_left(new_run: New) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1}])
        writer.log("hello")
        (writer.folder / "arrays").mkdir()
        (writer.folder / "checkpoint.pt").write_bytes(b"old")
    new_run()
    assert sorted(path.name for path in writer.folder.iterdir()) == ["config.yaml", "run.json"]


def test_log_adds_lines(new_run: New) -> None:
    writer = new_run()
    writer.log("one")
    writer.log("two")
    assert (writer.folder / "log.txt").read_text() == "one\ntwo\n"


def test_nothing_is_touched_before_the_first_call(tmp_path: Path) -> None:
    RunWriter(tmp_path / "a").close()
    assert not (tmp_path / "a").exists()


DAMAGE = {
    "zeros": lambda content: bytes(len(content)),
    "a digit": lambda content: content.replace(b"0.25", b"0.26"),
    "other text": lambda content: b"x" * len(content),
    "a line twice": lambda content: content.replace(b"2,", b"1,"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("table", ["steps", "evals"])
def test_truncate_refuses_what_the_run_has_not_written(new_run: New, table: str, damage: str) -> None:
    with new_run() as writer:
        for n in range(4):
            writer.append(table, [{"step": n, "loss": 0.25}])
        lengths, sums = writer.lengths(), writer.sums()
        writer.append(table, [{"step": 4, "loss": 0.5}])
    path = writer.folder / f"{table}.csv"
    content = path.read_bytes()
    with RunWriter(writer.folder) as resumed:
        resumed.truncate(lengths, sums)
        assert resumed.sums() == sums
        resumed.append(table, [{"step": 4, "loss": 0.5}])
        assert resumed.sums() == {table: checksum(content).hexdigest()}
    path.write_bytes(DAMAGE[damage](content))
    with pytest.raises(BadInput, match=rf"{table}\.csv has changed since the run wrote it"):
        RunWriter(writer.folder).truncate(lengths, sums)


def test_sums_cover_what_another_writer_wrote(new_run: New) -> None:
    with new_run() as writer:
        writer.append("steps", [{"step": 1}])
    with RunWriter(writer.folder) as again:
        assert again.sums() == {"steps": checksum((writer.folder / "steps.csv").read_bytes()).hexdigest()}
        again.append("steps", [{"step": 2}])
        assert again.sums() == {"steps": checksum((writer.folder / "steps.csv").read_bytes()).hexdigest()}


LINKED = ["log.txt", "steps.csv", "config.yaml", "run.json", "checkpoint.pt", "arrays", "histograms.csv"]


@pytest.mark.parametrize("name", LINKED)
def test_a_run_is_not_begun_through_links(new_run: New, tmp_path: Path, name: str) -> None:
    writer = new_run()
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("the user's")
    place = target if name == "arrays" else target / "file"
    (writer.folder / name).unlink(missing_ok=True)
    (writer.folder / name).symlink_to(place)
    with pytest.raises(Foreign, match=rf"{name} cannot be written \(a link"):
        writer.create("seed: 0\n", {"run_id": "a", "axes": {}})
    assert (target / "file").read_text() == "the user's"
    assert (writer.folder / name).is_symlink()


@pytest.mark.parametrize("table", ["steps", "evals"])
def test_rows_are_not_appended_through_links(new_run: New, tmp_path: Path, table: str) -> None:
    (tmp_path / "target").write_text("the user's")
    writer = new_run()
    (writer.folder / f"{table}.csv").symlink_to(tmp_path / "target")
    with writer, pytest.raises(Foreign):
        writer.append(table, [{"step": 1}])
    with pytest.raises(Foreign):
        writer.truncate({table: 3})
    (writer.folder / "log.txt").symlink_to(tmp_path / "target")
    with pytest.raises(Foreign):
        writer.log("line")
    assert (tmp_path / "target").read_text() == "the user's"


def test_a_run_begun_anew_keeps_what_bnlab_has_not_made(new_run: New) -> None:
    writer = new_run()
    writer.update(diagnostics={"feature_maps": ["init"]})
    writer.keep("feature_maps_3", {"a": np.zeros(3)})
    ours = writer.folder / "arrays/feature_maps_3.npz"
    theirs = [
        writer.folder / name
        for name in ("arrays/mine.npz", "arrays/mine_1.npz", "arrays/notes.txt", "notes.txt", ".x.tmp")
    ]
    for path in theirs:
        path.touch()
    writer.create("", {"run_id": "a", "axes": {}})
    assert not ours.exists()
    assert all(path.exists() for path in theirs)
