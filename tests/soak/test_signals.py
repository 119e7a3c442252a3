"""Ctrl-C and similar signals, and a worker that the system kills."""

import os
import signal
import time
from pathlib import Path

import pytest

from bnlab.runs.info import read_info
from tests.soak.warm import Process, Warm

LONG = ["model.depth=1", "model.width=8", "epochs=400", "study=s", "checkpoint_seconds=0.1"]
SHORT = ["model.depth=1", "model.width=8", "epochs=2", "study=s"]


def until_trained(process: Process, study: Path, runs: int) -> None:
    """Wait until this many runs have rows."""
    while sum(path.stat().st_size > 500 for path in study.glob("*/steps.csv")) < runs:
        assert process.lives, process.said
        time.sleep(0.02)


def workers(process: Process) -> list[int]:
    """Return the processes that have started a pack for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, parent, *_ = path.read_text().rpartition(")")[2].split()
            line = (path.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == process.pid and b"LokyProcess" in line:
            found.append(int(path.parent.name))
    return found


def lives(pid: int) -> bool:
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


def test_interrupted(start: Warm, tmp_path: Path) -> None:
    words = ["sweep", *LONG, "seed=0,1", "launcher=fused"]
    process = start(tmp_path, *words)
    until_trained(process, tmp_path / "outputs/s", 2)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 130
    assert "interrupted; the same command resumes where it stopped" in process.said
    assert "Traceback" not in process.said
    again = start(tmp_path, *words)
    while "it resumes from step" not in again.said:
        assert again.lives, again.said
        time.sleep(0.02)
    again.kill()


def test_workers_keep_a_checkpoint_too(start: Warm, tmp_path: Path) -> None:
    words = ["sweep", *LONG, "seed=0,1", "launcher=processes", "sweep.workers=2", "checkpoint_seconds=1e9"]
    process = start(tmp_path, *words)
    until_trained(process, tmp_path / "outputs/s", 2)
    assert process.kill(signal.SIGINT) == 130, process.said
    assert "Traceback" not in process.said
    again = start(tmp_path, *words)
    while again.said.count("it resumes from step") < 2:
        assert again.lives, again.said
        assert "restarts from the beginning" not in again.said
        time.sleep(0.02)
    again.kill()


def test_a_run_whose_worker_is_killed_again_and_again_has_failed(start: Warm, tmp_path: Path) -> None:
    study = tmp_path / "outputs/s"
    words = ["sweep", *LONG, "seed=0", "launcher=processes", "sweep.workers=1", "sweep.fail_fast=true"]
    process = start(tmp_path, *words)
    until_trained(process, study, 1)
    killed: set[int] = set()
    while len(killed) < 3:
        assert process.lives, process.said
        for pid in set(workers(process)) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        time.sleep(0.05)
    assert process.wait() == 1, process.said
    (info,) = (read_info(path.parent) for path in study.glob("*/run.json"))
    assert info["status"] == "failed"
    assert info["cause"] == "its process ended: SIGKILL(-9) (out of memory?)"
    assert "1 failed" in process.said


def test_a_pack_whose_worker_is_killed_goes_on_in_halves(start: Warm, tmp_path: Path) -> None:
    study = tmp_path / "outputs/s"
    words = ["sweep", *LONG, "epochs=60", "seed=0,1,2", "launcher=processes", "sweep.workers=1", "sweep.pack_size=3"]
    process = start(tmp_path, *words)
    until_trained(process, study, 3)
    while not list(study.glob("pack_*.pt")):
        assert process.lives, process.said
        time.sleep(0.02)
    os.kill(workers(process)[0], signal.SIGKILL)
    assert process.wait() == 0, process.said
    assert "3 runs together: its process ended: SIGKILL(-9) (out of memory?); training 2 and 1 instead" in process.said
    assert process.said.count("it resumes from step") == 2
    assert "3 complete" in process.said


@pytest.mark.parametrize(
    ("launcher", "sign"),
    [
        ("serial", signal.SIGTERM),
        ("processes", signal.SIGHUP),
        pytest.param("serial", signal.SIGHUP, marks=pytest.mark.exhaustive),
        pytest.param("processes", signal.SIGTERM, marks=pytest.mark.exhaustive),
    ],
)
def test_a_scheduler_or_a_closed_terminal_ends_it_with_a_checkpoint(
    start: Warm, tmp_path: Path, sign: signal.Signals, launcher: str
) -> None:
    words = ["sweep", *LONG, "seed=0", f"launcher={launcher}", "sweep.workers=null", "checkpoint_seconds=1e9"]
    process = start(tmp_path, *words)
    until_trained(process, tmp_path / "outputs/s", 1)
    assert process.kill(sign) == 128 + sign, process.said
    assert "ended by a signal; the same command resumes where it stopped" in process.said
    assert "Traceback" not in process.said
    again = start(tmp_path, *words, "launcher=serial")  # without workers, which take seconds to start
    while "it resumes from step" not in again.said:
        assert again.lives, again.said
        time.sleep(0.02)
    again.kill()


def test_a_worker_that_is_asked_to_end_keeps_a_checkpoint(start: Warm, tmp_path: Path) -> None:
    words = ["sweep", *LONG, "epochs=60", "seed=0", "launcher=processes", "sweep.workers=1", "checkpoint_seconds=1e9"]
    process = start(tmp_path, *words)
    until_trained(process, tmp_path / "outputs/s", 1)
    os.kill(workers(process)[0], signal.SIGTERM)
    assert process.wait() == 0, process.said
    assert "it resumes from step" in process.said
    assert "1 complete" in process.said


@pytest.mark.exhaustive
def test_the_others_go_on(start: Warm, tmp_path: Path) -> None:
    study = tmp_path / "outputs/s"
    words = ["sweep", *SHORT, "epochs=10", "seed=0,1,2,3,4,5", "launcher=processes", "sweep.workers=2"]
    process = start(tmp_path, *words)
    until_trained(process, study, 1)
    os.kill(workers(process)[0], signal.SIGKILL)
    assert process.wait() == 0, process.said
    assert "it is tried again" in process.said
    assert "6 complete" in process.said


@pytest.mark.exhaustive
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(start: Warm, tmp_path: Path, sign: signal.Signals) -> None:
    process = start(tmp_path, "sweep", *LONG, "seed=0,1", "launcher=processes", "sweep.workers=2")
    until_trained(process, tmp_path / "outputs/s", 2)
    pids = workers(process)
    assert len(pids) == 2
    assert process.kill(sign) == (130 if sign == signal.SIGINT else -9), process.said
    until = time.monotonic() + 5
    while any(map(lives, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(lives, pids))
