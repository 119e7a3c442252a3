"""How a study stands, by its folder."""

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bnlab.errors import BadInput
from bnlab.runs.lock import lock
from bnlab.runs.status import Look, Run, Study, last_row, updates
from bnlab.runs.writer import RunWriter

New = Callable[..., RunWriter]


def test_every_state(new_run: New, tmp_path: Path) -> None:
    study = tmp_path / "study"
    for status in ("complete", "diverged", "refused", "failed"):
        new_run(status).update(status=status)
    for name in ("held", "left"):
        with new_run(name, epochs=4, steps=None) as writer:
            writer.append("steps", [{"step": 10, "epoch": 0.5}, {"step": 30, "epoch": 1.5}])
    for name, content in {"garbage": "{", "building": "", "none": None}.items():
        (study / name).mkdir()
        (study / name / "config.yaml").write_text("")
        if content is not None:
            (study / name / "run.json").write_text(content)
    (study / "report").mkdir()
    names = [["complete", "held", "later", "begins"], ["later", "last"]]
    packs = [{"runs": {name: f"bnlab train study={name}" for name in some}} for some in names]
    (study / "packs.json").write_text(json.dumps({"packs": packs}))
    with ExitStack() as held:
        for name in ("held", "building", "begins"):
            held.enter_context(lock(study / name))
        look = Study(study).look()
    states = {run.folder.name: run.state for run in look.runs}
    assert states == {
        **{status: status for status in ("complete", "diverged", "refused", "failed")},
        "held": "running", "building": "running", "begins": "running", "left": "interrupted",
        "later": "waiting", "last": "waiting",
    }  # fmt: skip
    assert sorted(folder.name for folder in look.damaged) == ["garbage", "none"]
    assert "killed at its start" in look.damaged[study / "none"]
    (held_run,) = (run for run in look.runs if run.folder.name == "held")
    assert held_run.updates == (30, 80)  # four epochs of 20 updates
    assert held_run.holder is not None
    assert held_run.holder.pid == os.getpid()


def test_looking_again_sees_what_has_changed(new_run: New, tmp_path: Path) -> None:
    writer = new_run("a")
    study = Study(tmp_path / "study")
    assert study.look().runs[0].state == "interrupted"
    writer.update(status="complete")
    assert study.look().runs[0].state == "complete"
    new_run("b")
    assert [run.state for run in study.look().runs] == ["complete", "interrupted"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"packs": [{}]}', '{"packs": 3}'])
def test_damaged_packs_name_nobody(new_run: New, tmp_path: Path, content: str) -> None:
    new_run("a")
    (tmp_path / "study" / "packs.json").write_text(content)
    assert len(Study(tmp_path / "study").look().runs) == 1


def ended(at: float, seconds: float) -> Run:
    return Run(Path("x"), "complete", {"seconds": seconds}, at)


def test_pace_leaves_out_the_time_when_nobody_trained() -> None:
    """Two runs of 10 s side by side yesterday, and today two of 10 s one after the other with a second between."""
    runs = [ended(10, 10), ended(12, 10), ended(1000, 10), ended(1011, 10)]
    assert Look(runs, {}).pace == pytest.approx(4 / (12 + 21))
    assert Look([], {}).pace is None


def test_time_left_counts_parts_of_runs() -> None:
    under_way = [Run(Path("x"), "running", updates=(75, 100)), Run(Path("y"), "running")]
    more = [Run(Path("z"), "waiting"), Run(Path("z"), "interrupted")]
    assert Look([ended(10, 10), *under_way, *more], {}).left == pytest.approx((0.25 + 1 + 2) * 10)
    assert Look([ended(10, 10), *more], {}).left is None


def test_last_row(tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    assert last_row(path) is None
    for content, row in {
        "step,epoch\n": None, "step,ep": None, "": None, "a,b\n1,2\n3,": ["1", "2"], "a,b\n1,2\n3,4\n": ["3", "4"],
        "a,b\n" + "1,2\n" * 9999 + "5,6\n": ["5", "6"],
    }.items():  # fmt: skip
        path.write_text(content)
        assert last_row(path) == row


def test_updates(tmp_path: Path) -> None:
    assert updates(tmp_path, {"steps": 100, "epochs": None}) == (0, 100)
    assert updates(tmp_path, {"steps": None, "epochs": 3}) is None
    (tmp_path / "steps.csv").write_text("step,epoch\n0,0\n")
    assert updates(tmp_path, {"steps": None, "epochs": 3}) is None
    (tmp_path / "steps.csv").write_text("step,epoch\n10,0.333333333\n")
    assert updates(tmp_path, {"steps": None, "epochs": 3}) == (10, 90)
    (tmp_path / "steps.csv").write_text("step,epoch\nten,none\n")
    assert updates(tmp_path, {"steps": 100}) is None


def test_what_is_no_study(new_run: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_run("a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for path, message in {
        "nowhere": "nowhere does not exist; give a study's folder",
        "stduy": "stduy does not exist; did you mean .*/study?",
        "file": "file is a file: give a study's folder",
        "empty": "empty holds no run: give a study's folder",
        "study/a": "study/a is one run's folder: give its study's, .*study$",
        ".": "holds no run; it holds studies, give one: .*/study$",
    }.items():
        with pytest.raises(BadInput, match=message):
            Study(tmp_path / path)
    (tmp_path / "outputs" / "first").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="did you mean outputs/first"):
        Study(Path("first"))


def test_hundreds_of_runs_are_looked_at_quickly_again(new_run: New, tmp_path: Path) -> None:
    """What has ended is read once."""
    for n in range(50):
        new_run(f"{n:03}").update(status="complete")
    study = Study(tmp_path / "study")
    first = study.look()
    for n in range(50):
        path = tmp_path / "study" / f"{n:03}" / "run.json"
        stamp = path.stat().st_mtime_ns
        path.write_text("{")
        os.utime(path, ns=(stamp, stamp))
    assert [run.state for run in study.look().runs] == [run.state for run in first.runs]
    assert study.look().now >= first.now > time.time() - 600
