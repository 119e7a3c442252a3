"""rerun=true trains everything again, once, also where it is interrupted."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.sweeps import rerun
from bnlab.training.loop import Loop

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=4", "steps=5", "data.train_size=128", "study=s", "diagnostics=off"]


def started(study: Path) -> int:
    """How often runs were started, by their logs."""
    return sum(path.read_text().count("started: ") for path in study.glob("*/log.txt"))


def written(study: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in study.glob("*/run.json")}


@pytest.mark.parametrize("launcher", ["serial", "fused"])
def test_an_interrupted_rerun_goes_on(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["sweep", *NET, "seed=0,1,2,3", f"launcher={launcher}", "sweep.pack_size=2"][
        : 10 if launcher == "fused" else -1
    ]
    study = tmp_path / "outputs/s"
    assert bnlab(*words)[0] == 0
    first = written(study)
    measure, calls = Loop._measure, 0

    def dying(self: Loop, update: bool = True) -> None:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise KeyboardInterrupt
        measure(self, update)

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "_measure", dying)
        assert bnlab(*words, "rerun=true", "checkpoint_seconds=0")[0] == 130
    middle = written(study)
    anew = {run for run, when in middle.items() if when != first[run]}
    assert len(anew) > 0
    status, out, _ = bnlab(*words, "rerun=true", "checkpoint_seconds=0")
    assert (status, "4 complete" in out) == (0, True)
    assert "4 to train" not in out, "what was trained again before the interruption is done"
    assert "it resumes from step" in out
    assert all(when != first[run] for run, when in written(study).items())
    assert not (study / rerun.NAME).exists()
    status, out, _ = bnlab(*words, "rerun=true")
    assert "4 to train" in out, "asked once more, all are trained again"


def test_one_run(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        status, out, _ = bnlab("train", *NET, *(["rerun=true"] if n else []))
        assert status == 0
        assert "done already" not in out
    assert bnlab("train", *NET)[1].startswith("done already")
    assert not (tmp_path / "outputs/s" / rerun.NAME).exists()


@pytest.mark.parametrize(
    "content", ["{", "[1, 2]", "{}", "", '["a", null]', '{"../x": 1}', '{"0123456789ab": "x"}', '["\\u0000"]']
)
def test_a_damaged_note_is_written_anew(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bnlab("train", *NET)[0] == 0
    (tmp_path / "outputs/s" / rerun.NAME).write_text(content)
    status, out, _ = bnlab("train", *NET, "rerun=true")
    assert (status, "done already" in out) == (0, False)


def test_a_run_json_of_the_future_is_trained_again(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bnlab("train", *NET)[0] == 0
    (path,) = (tmp_path / "outputs/s").glob("*/run.json")
    os.utime(path, (4e9, 4e9))
    assert "done already" not in bnlab("train", *NET, "rerun=true")[1]


def test_a_note_that_is_not_ours_stays(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    note = tmp_path / "outputs/s" / rerun.NAME
    note.parent.mkdir(parents=True)
    note.write_text("the user's")
    assert bnlab("train", *NET)[0] == 0
    assert note.read_text() == "the user's"


def test_retry_and_rerun_exclude_each_other(bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = bnlab("sweep", *NET, "rerun=true", "sweep.retry=failed")
    assert (status, err.count("\n")) == (2, 1)
    assert "leave one out" in err
