"""Resuming: a run killed between two checkpoints ends with the same files and tensors as an uninterrupted one."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pandas as pd
import pytest
import torch

from bnlab import cli
from bnlab.runs.info import read_info
from bnlab.runs.schema import COLUMNS, TIMES
from bnlab.runs.writer import RunWriter

# Everything with state: dropout, augmentation, running statistics, momentum, a schedule that adapts.
OVERRIDES = [
    "norm=batch", "model.depth=2", "model.width=16", "model.dropout=0.2", "data.augment=true", "data.train_size=400",
    "data.batch_size=16", "accumulate=2", "epochs=4", "optim.lr=0.05", "schedule=plateau", "schedule.patience=0",
    "schedule.threshold=0.5", "clip=1.0", "log_every=3", "checkpoint_seconds=15", "seed=3",
    "diagnostics.activation_moments.when=[init,epoch,last,5]",
]  # fmt: skip


class Killed(BaseException):
    """Simulated SIGKILL: nothing in bnlab catches it."""


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return a clock that advances by one second per call, so that checkpoints are at the same steps in every test."""
    ticks = count()
    monkeypatch.setattr("bnlab.training.loop.monotonic", lambda: float(next(ticks)))


def train(output: Path) -> Path:
    assert cli.main(["train", *OVERRIDES, f"output_dir={output}"]) == 0
    (folder,) = (path for path in (output / "main").iterdir() if path.is_dir())
    return folder


def assert_same(one: Path, other: Path) -> None:
    for table in COLUMNS:
        ours, theirs = (pd.read_csv(folder / f"{table}.csv", dtype=str) for folder in (one, other))
        drop = list(TIMES.get(table, ()))
        pd.testing.assert_frame_equal(ours.drop(columns=drop), theirs.drop(columns=drop))
    ours, theirs = (torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (one, other))
    assert ours.keys() == theirs.keys()
    for key in ("params", "buffers", "slots"):
        torch.testing.assert_close(ours[key], theirs[key], rtol=0, atol=0)
    for key in ("step", "schedule", "divergence", "metrics", "finished"):
        assert ours[key] == theirs[key]
    for key in ("status", "metrics", "n_params", "axes", "run_id"):
        assert read_info(one)[key] == read_info(other)[key]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("fatal", [0, 1, 7, 12, 20, 27])
def test_killed_at_an_append(
    undisturbed: Path, tmp_path: Path, ticking: None, monkeypatch: pytest.MonkeyPatch, fatal: int
) -> None:
    appended = count()
    original = RunWriter.append

    def append(self: RunWriter, table: str, rows: list[dict[str, object]]) -> None:
        if next(appended) == fatal:
            with (self.folder / f"{table}.csv").open("a") as torn:
                torn.write("17,half a li")
            raise Killed
        original(self, table, rows)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(RunWriter, "append", append)
        train(tmp_path)
    assert_same(train(tmp_path), undisturbed)


def test_the_kills_above_fall_before_between_and_after_checkpoints(
    tmp_path: Path, ticking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    append, write = RunWriter.append, RunWriter.lengths
    monkeypatch.setattr(RunWriter, "append", lambda *a: (events.append("append"), append(*a)))
    monkeypatch.setattr(RunWriter, "lengths", lambda *a: (events.append("checkpoint"), write(*a))[1])
    train(tmp_path)
    before = [events[: [i for i, e in enumerate(events) if e == "append"][k]].count("checkpoint") for k in (0, 12, 27)]
    assert before[0] == 0
    assert 0 < before[1] < before[2]


def test_killed_for_real(undisturbed: Path, tmp_path: Path) -> None:
    """Kill a separate process with SIGKILL while it writes rows."""
    script = (
        "import os, signal, sys\n"
        "from bnlab import cli\n"
        "from bnlab.runs.writer import RunWriter\n"
        "calls, append = [], RunWriter.append\n"
        "def dying(*given):\n"
        "    calls.append(1)\n"
        "    append(*given)\n"
        "    if len(calls) == 15: os.kill(os.getpid(), signal.SIGKILL)\n"
        "RunWriter.append = dying\n"
        "cli.main(sys.argv[1:])\n"
    )
    overrides = [o if not o.startswith("checkpoint_seconds") else "checkpoint_seconds=0" for o in OVERRIDES]
    command = [sys.executable, "-c", script, "train", *overrides, f"output_dir={tmp_path}"]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    (folder,) = (path for path in (tmp_path / "main").iterdir() if path.is_dir())
    assert read_info(folder)["status"] == "running"
    assert_same(train(tmp_path), undisturbed)
    started, resumed, ended = (folder / "log.txt").read_text().splitlines()
    assert started.startswith("started: bnlab train")
    assert resumed.startswith("resumed from step ")
    assert ended == "complete"


def test_finished_is_not_trained_again(undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()}
    train(undisturbed.parents[1])
    assert {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()} == before


def test_garbage_checkpoint_begins_anew(undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = RunWriter.update

    def update(self: RunWriter, **fields: object) -> None:
        if "metrics" in fields:
            raise Killed
        original(self, **fields)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(RunWriter, "update", update)
        train(tmp_path)
    (folder,) = (path for path in (tmp_path / "main").iterdir() if path.is_dir())
    (folder / "checkpoint.pt").write_bytes(b"no checkpoint")
    assert_same(train(tmp_path), undisturbed)
