"""The sbatch script: what a user reads, and what a shell does with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bnlab.sweeps.cluster.names import job_name
from bnlab.sweeps.cluster.options import Options
from bnlab.sweeps.cluster.script import script

PLAIN = Options(workers=4, time=None, partition=None, gpus=None, sbatch=(), wait=True)


def flags(text: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")]


def test_the_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = script(Path("outputs/s"), PLAIN, 4)
    assert flags(text) == [
        f"--job-name={job_name(Path('outputs/s'))}", "--array=1-4", f"--chdir={tmp_path}",
        f"--output={tmp_path}/outputs/s/slurm/%A_%a.log", "--open-mode=append", "--requeue", "--signal=B:USR1@120",
    ]  # fmt: skip
    assert f"{sys.executable} -m bnlab worker {tmp_path}/outputs/s &" in text.splitlines()
    assert len(text.splitlines()) <= 35


def test_what_a_site_wants() -> None:
    options = Options(4, "1:00:00", "gpu", 2, ("--mem=8G", "module load python", "-c 4"), wait=True)
    text = script(Path("s"), options, 1)
    assert flags(text)[7:] == ["--time=1:00:00", "--partition=gpu", "--gres=gpu:2", "--mem=8G", "-c 4"]
    assert text.index("\nmodule load python\n") > text.index("#SBATCH -c 4")
    assert text.index("\nmodule load python\n") < text.index("-m bnlab worker")


@pytest.mark.parametrize(("time", "warning"), [("1", 6), ("0:20", 5), ("10", 60), ("1-0", 120)])
def test_a_short_limit_warns_later(time: str, warning: int) -> None:
    assert f"--signal=B:USR1@{warning}" in flags(script(Path("s"), Options(1, time, None, None, (), wait=True), 1))


def test_odd_folders_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a b 100%"
    odd.mkdir()
    monkeypatch.chdir(odd)
    text = script(Path("outputs/étude"), PLAIN, 1)
    assert f"--chdir='{odd}'" in flags(text)
    assert f"--output='{tmp_path}/a b 100%%/outputs/étude/slurm/%A_%a.log'" in flags(text)
    assert f"worker '{odd}/outputs/étude' &" in text


def test_each_study_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = {job_name(tmp_path / one) for one in ("s", "a/s", "étude", "e tude")}
    assert len(names) == 4
    assert all(name.isascii() and " " not in name and name.startswith("bnlab-") for name in names)


WORKER = """\
#!{python}
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
Path("ready").touch()
time.sleep({seconds})
"""


@pytest.fixture
def begun(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a script whose worker sleeps, with an scontrol that records its arguments."""
    (tmp_path / "worker").write_text(WORKER.format(python=sys.executable, seconds=60))
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    for name in ("worker", "scontrol"):
        (tmp_path / name).chmod(0o755)
    text = script(Path("s"), PLAIN, 1)
    line = next(line for line in text.splitlines() if line.endswith("&"))
    (tmp_path / "script").write_text(text.replace(line, "./worker &"))
    names = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2", "SLURMD_NODENAME": "n1"}
    environment = os.environ | names | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["/bin/sh", "script"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


def test_at_the_time_limit_it_is_queued_again(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    begun.send_signal(signal.SIGUSR1)
    said, _ = begun.communicate(timeout=60)
    assert said.splitlines() == ["bnlab worker starts: 7_2 on n1", "bnlab worker ended with status 143"]
    assert (begun.returncode, (tmp_path / "asked").read_text()) == (143, "requeue 7_2\n")


def test_a_cancelled_worker_is_not_queued_again(begun: subprocess.Popen[str], tmp_path: Path) -> None:
    os.killpg(begun.pid, signal.SIGTERM)  # Slurm signals all processes of a job
    said, _ = begun.communicate(timeout=60)
    assert said.splitlines()[-1] == "bnlab worker ended with status 143"
    assert (begun.returncode, (tmp_path / "asked").exists()) == (143, False)
