"""Signals at random moments, repeatedly: the same command resumes, and ends with the files of an undisturbed sweep."""

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.soak.study import STUDY, SWEEP, assert_equal, write_experiment
from tests.soak.warm import Warm

LAUNCHERS = {
    "serial": ["launcher=serial"],
    "fused": ["launcher=fused"],
    "processes": ["launcher=processes", "sweep.workers=2"],
    "packs in processes": ["launcher=fused", "sweep.workers=2"],
}
# These save a last checkpoint and print a line; the others end the process immediately.
GENTLE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGEST = 0.2  # maximum seconds of training between kills


def rows(folder: Path) -> int:
    """Return the number of bytes in the runs' tables of steps."""
    return sum(path.stat().st_size for path in folder.glob("outputs/*/*/steps.csv"))


def soak(
    start: Warm, tmp_path: Path, words: list[str], signals: Sequence[signal.Signals], command: Sequence[str] = SWEEP
) -> None:
    disturbed = tmp_path / "disturbed"
    if command is STUDY:
        for folder in (disturbed, tmp_path / "undisturbed"):
            write_experiment(folder)
    draw = random.Random(0)
    for sign in signals:
        before = rows(disturbed)
        process = start(disturbed, *command, *words)
        if draw.random() < 0.8:  # otherwise somewhere before the first step
            until = time.monotonic() + 60
            while rows(disturbed) == before and process.lives and time.monotonic() < until:
                time.sleep(0.01)
        time.sleep(draw.uniform(0, LONGEST))
        status = process.kill(sign)
        assert status == (128 + sign if sign in GENTLE else -sign), f"{sign!r}\n{process.said}"
        assert "Traceback" not in process.said
    process = start(disturbed, *command, *words)
    assert process.wait() == 0, process.said
    undisturbed = start(tmp_path / "undisturbed", *command, *words)
    assert undisturbed.wait() == 0, undisturbed.said
    assert_equal(disturbed / "outputs/soak", tmp_path / "undisturbed/outputs/soak")


def test_a_few_kills(start: Warm, tmp_path: Path) -> None:
    soak(start, tmp_path, LAUNCHERS["fused"], [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL])


def test_a_few_kills_in_a_study_that_chooses_its_runs(start: Warm, tmp_path: Path) -> None:
    small = ["launcher=fused", "epochs=4", "search.runs=12"]  # enough for three kills and several rounds
    soak(start, tmp_path, small, [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL], STUDY)


@pytest.mark.exhaustive
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_twenty_kills_in_a_study_that_chooses_its_runs(start: Warm, tmp_path: Path, launcher: str) -> None:
    soak(start, tmp_path, LAUNCHERS[launcher], [signal.SIGKILL] * 20, STUDY)


@pytest.mark.exhaustive
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_twenty_kills(start: Warm, tmp_path: Path, launcher: str) -> None:
    soak(start, tmp_path, LAUNCHERS[launcher], [signal.SIGKILL] * 20)


@pytest.mark.exhaustive
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_eight_other_signals(start: Warm, tmp_path: Path, launcher: str) -> None:
    soak(start, tmp_path, LAUNCHERS[launcher], [*GENTLE, signal.SIGQUIT, *GENTLE, signal.SIGXCPU])
