"""Machines that compete for the locks of many folders."""

import fcntl
import os
import shlex
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bnlab.runs import lock_holder as holders
from tests.runs.processes import fork, write
from tests.runs.rivals import FOLDERS, compete, outcome

ROOT = Path(__file__).parents[2]
SKEWS = (0.0, 3600.0, -3600.0, 1.0)  # of the clocks of four machines, in seconds


def dead_locks(root: Path) -> None:
    """Write locks of a machine that is gone."""
    for number in range(FOLDERS):
        write(root / f"{number:03}", host="gone", pid=7, token=f"{number:016x}")


@pytest.mark.parametrize("dead", [False, True], ids=["new folders", "locks of a dead machine"])
def test_machines_in_step_never_hold_a_folder_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: bool
) -> None:
    """What a job array does: its tasks start together, on machines that share nothing but the folder."""
    monkeypatch.setattr(holders, "STALE", 0.5)
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)  # as where it is local to a node
    if dead:
        dead_locks(tmp_path)
    start = time.time() + 2
    pids = [fork(partial(compete, tmp_path, f"n{n}", skew, start)) for n, skew in enumerate(SKEWS)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(SKEWS)
    assert outcome(tmp_path) == (FOLDERS, 0, 0)


def test_processes_of_two_host_names_never_hold_a_folder_together(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-u", "true"], capture_output=True).returncode:
        pytest.skip("host names cannot be changed here (unshare -u)")
    dead_locks(tmp_path)
    command = f"exec {shlex.quote(sys.executable)} -m tests.runs.rivals {shlex.quote(str(tmp_path))}"
    start = time.time() + 20  # importing takes a while
    rivals = [
        subprocess.Popen(["unshare", "-u", "sh", "-c", f"hostname n{n}; {command} {skew} {start}"], cwd=ROOT)
        for n, skew in enumerate(SKEWS[:2])
    ]
    assert [rival.wait() for rival in rivals] == [0, 0]
    assert outcome(tmp_path) == (FOLDERS, 0, 0)
