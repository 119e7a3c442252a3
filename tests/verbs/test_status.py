"""`bnlab status`."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.runs.lock import lock
from bnlab.runs.writer import RunWriter
from bnlab.verbs import status as verb

Call = Callable[..., tuple[int, str, str]]


def begin(study: Path, run_id: str) -> RunWriter:
    writer = RunWriter(study / run_id)
    axes = {"norm": "batch", "optim.lr": 0.1, "seed": 0, "steps": 100, "epochs": None}
    writer.create("seed: 0\n", {"run_id": run_id, "axes": axes, "command": f"bnlab train {run_id}"})
    return writer


def test_one_look_writes_nothing(bnlab: Call, tmp_path: Path) -> None:
    begin(tmp_path, "a").update(status="complete", seconds=6.0)
    begin(tmp_path, "b").update(status="failed", cause="ValueError: x")
    with lock(tmp_path / "c"), begin(tmp_path, "c") as writer:
        writer.append("steps", [{"step": 40, "epoch": 2}])
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        code, out, err = bnlab("status", str(tmp_path))
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{tmp_path}: 3 runs"
    assert "10 runs a minute, about 3.6 s left" in lines
    assert "  (c)  update 40/100" in lines
    assert "  ValueError: x" in lines
    assert "  to retry: bnlab train b" in lines


def test_watch_ends_when_nothing_runs(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks: running, between two runs, running, done, done."""
    writer = begin(tmp_path, "a")
    held = [lock(tmp_path / "a"), lock(tmp_path / "a")]
    held[0].__enter__()
    moments = iter((
        lambda: held[0].__exit__(None, None, None),
        lambda: held[1].__enter__(),
        lambda: (writer.update(status="complete"), held[1].__exit__(None, None, None)),
        lambda: None,
    ))  # fmt: skip
    monkeypatch.setattr(verb.time, "sleep", lambda _: next(moments)())
    code, out, _ = bnlab("status", str(tmp_path), "--watch")
    assert code == 0
    assert next(moments, None) is None
    assert out.splitlines()[0].endswith("1 running")  # one line in between, and then the last update
    assert out.splitlines()[1:] == [f"{tmp_path}: 1 run", "       1 complete"]


@pytest.mark.parametrize(
    ("words", "named"),
    [("", "usage: bnlab status DIR"), ("nowhere", "nowhere does not exist"), ("file", "file is a file"),
     ("empty", "empty holds no run"), ("study/a", "one run's folder: give its study's, study"),
     ("conf", "conf holds no run"), ("study --wach", "--wach"), ("study other", "other")],
)  # fmt: skip
def test_mistakes(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    begin(Path("study"), "a")
    Path("empty").mkdir()
    Path("file").write_text("")
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text("a folder of configs has one too")
    code, out, err = bnlab("status", *words.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert named in err


def test_knows_no_torch(tmp_path: Path) -> None:
    begin(tmp_path, "a")
    code = "import sys; from bnlab.cli import main; assert main(['status', sys.argv[1]]) == 0; "
    code += "assert not {'torch', 'pandas', 'numpy', 'hydra'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120, capture_output=True)


def test_a_copy_of_a_run_counts_once(bnlab: Call, tmp_path: Path) -> None:
    begin(tmp_path / "s", "a")
    shutil.copytree(tmp_path / "s/a", tmp_path / "s/copy of a")
    out = bnlab("status", str(tmp_path / "s"))[1]
    assert "s: 1 run\n" in out
    assert "copy of a is a copy of run a: remove it" in out
