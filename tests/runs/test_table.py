"""Tables of many runs, parsed as one file."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.errors import BadInput
from bnlab.runs.files import Unreadable, checksum
from bnlab.runs.schema import COLUMNS
from bnlab.runs.table import read_table, read_tables

HEADER = ",".join(COLUMNS["evals"]) + "\n"


def paths(folder: Path, *contents: str | None) -> dict[str, Path]:
    """A file for each content under run ids a, b, …; none where it is null."""
    found = {}
    for run_id, content in zip("abcdefgh", contents, strict=False):
        found[run_id] = folder / f"{run_id}.csv"
        if content is not None:
            found[run_id].write_text(content)
    return found


def test_together_as_one_by_one(tmp_path: Path) -> None:
    several = paths(
        tmp_path, HEADER + "1,0.5,val,running,nan,0.5,10\n2,1,NA,running,inf,,10\n", None, HEADER, "",
        HEADER + "3,1.5,test,batch,0.25,1,10\n4,", HEADER + '5,2,"a,b",running,1,1,10\n',
    )  # fmt: skip
    together = read_tables(several, "evals")
    assert together["run_id"].tolist() == ["a", "a", "e", "f"]
    alone = pd.concat([read_table(path, "evals") for path in several.values()], ignore_index=True)
    pd.testing.assert_frame_equal(together[alone.columns], alone.astype({"step": "int64", "n": "int64"}))
    assert together["split"].tolist() == ["val", "NA", "test", "a,b"]


def test_lines_that_are_no_rows_do_not_shift_the_others(tmp_path: Path) -> None:
    several = paths(tmp_path, HEADER + "1,,val,running,1,1,10\n\n", HEADER + "2,,val,running,1,1,10\n")
    assert read_tables(several, "evals")[["run_id", "step"]].to_numpy().tolist() == [["a", 1], ["b", 2]]


@pytest.mark.parametrize(
    "content", [HEADER + "x,,val,running,1,1,10\n", HEADER + "1,2,val,running,5,6,7,8\n" * 2, "step\n1\n"]
)
def test_the_damaged_one_is_named(tmp_path: Path, content: str) -> None:
    several = paths(tmp_path, HEADER + "1,,val,running,1,1,10\n", content, HEADER)
    with pytest.raises(BadInput, match=r"b\.csv"):
        read_tables(several, "evals")


STEPS = "step,epoch,examples,lr,loss,accuracy,grad_norm,seconds\n"
DAMAGED = {
    "half a step": (STEPS + "0.5,0,0,0.1,1,0.5,1,1\n", "step holds something else than whole numbers"),
    "a negative step": (STEPS + "-1,0,0,0.1,1,0.5,1,1\n", "step holds"),
    "a step of 40 digits": (STEPS + f"{10**39},0,0,0.1,1,0.5,1,1\n", "step holds"),
    "an infinite rate": (STEPS + "1,0,0,inf,1,0.5,1,1\n", "lr is infinite"),
    "1e999 seconds": (STEPS + "1,0,0,0.1,1,0.5,1,1e999\n", "seconds is infinite"),
    "an accuracy of 2": (STEPS + "1,0,0,0.1,1,2,1,1\n", "accuracy lies outside"),
    "a negative accuracy": (STEPS + "1,0,0,0.1,1,-0.1,1,1\n", "accuracy lies outside"),
    "a word": (STEPS + "1,0,0,fast,1,0.5,1,1\n", "fast"),
    "an unclosed quote": (STEPS + '1,0,0,"0.1,1,0.5,1,1\n2,0,0,0.1,1,0.5,1,1\n', "damaged"),
    "zeros": ("\0" * 500, "first line"),
    "zeros behind the header": (STEPS + "\0" * 100 + "\n", "damaged"),
    "another table": (HEADER + "1,,val,running,1,1,10\n", "first line"),
    "no header": ("1,0,0,0.1,1,0.5,1,1\n", "first line"),
    "too many cells": (STEPS + "1,0,0,0.1,1,0.5,1,1,9\n" * 2, "damaged"),
    "no UTF-8": (STEPS + "1,0,0,0.1,1,\udcff,1,1\n", "damaged"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_named_and_the_others_are_read(tmp_path: Path, damage: str) -> None:
    content, reason = DAMAGED[damage]
    several = {name: tmp_path / f"{name}.csv" for name in "abc"}
    for name, path in several.items():
        sound = STEPS + "1,0.5,10,0.1,inf,0.5,nan,1\n"
        path.write_text(content if name == "b" else sound, errors="surrogateescape")
    with pytest.raises(Unreadable, match=r"b\.csv") as error:
        read_tables(several, "steps")
    assert reason in str(error.value)
    assert str(error.value).isprintable()
    left_out: dict[Path, str] = {}
    found = read_tables(several, "steps", damaged=left_out)
    assert found["run_id"].tolist() == ["a", "c"]
    assert found["loss"].tolist() == [float("inf")] * 2
    assert list(left_out) == [several["b"]]


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_left_out(tmp_path: Path, make: Callable[[Path], object]) -> None:
    (tmp_path / "a.csv").write_text(STEPS)
    make(tmp_path / "b.csv")
    left_out: dict[Path, str] = {}
    assert read_tables({n: tmp_path / f"{n}.csv" for n in "ab"}, "steps", damaged=left_out).empty
    assert "not a file" in left_out[tmp_path / "b.csv"]


SOUND = STEPS + "1,0.5,10,0.1,1,0.5,1,1\n2,1,20,0.1,1,0.5,1,1\n"
CHANGED = {
    "a digit": SOUND.replace("20,0.1", "21,0.1"),
    "cut at a line": SOUND.rpartition("2,1")[0],
    "cut within a line": SOUND[:-5],
    "zeros": "\0" * len(SOUND),
    "a line more": SOUND + "3,1,20,0.1,1,0.5,1,1\n",
    "gone": None,
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_is_not_what_the_run_wrote_is_damaged(tmp_path: Path, change: str) -> None:
    path, content = tmp_path / "a.csv", CHANGED[change]
    sums = {"a": {"steps": checksum(SOUND.encode()).hexdigest()}}
    path.write_text(SOUND)
    assert len(read_tables({"a": path}, "steps", sums)) == 2
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(Unreadable, match=r"a\.csv is damaged"):
        read_tables({"a": path}, "steps", sums)


@settings(max_examples=200)
@given(st.data())
def test_any_bytes_in_a_table_are_rows_or_damage(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    content = bytearray(SOUND.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        content = content or bytearray(b"\n")
    path.write_bytes(content)
    try:
        found = read_tables({"a": path}, "steps")
    except Unreadable as error:
        assert "any.csv" in str(error)  # noqa: PT017
    else:
        assert list(found.columns) == ["run_id", *STEPS.strip().split(",")]


def test_a_damaged_table_says_what_gives_the_command(tmp_path: Path) -> None:
    path = tmp_path / "my study's" / "a" / "steps.csv"
    path.parent.mkdir(parents=True)
    path.write_text("1,2\n")
    left_out: dict[Path, str] = {}
    read_tables({"a": path}, "steps", damaged=left_out)
    study = shlex.quote(str(path.parent.parent))
    assert left_out[path].endswith(f"; bnlab status {study} --verify gives the command that trains the run again")
    with pytest.raises(Unreadable) as error:
        read_tables({"a": path}, "steps")
    assert str(error.value) == left_out[path]
