"""Fixtures of the tests on a real Slurm, which `make cluster` starts: two nodes on this machine."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.soak.study import assert_equal

# Takes PAUSE seconds a forward pass, so that there is time to disturb it, and no processor.
PLUGIN = """\
import os
import time

from bnlab.norms.base import Norm


class Slow(Norm):
    name = "slow"

    def forward(self, x):
        time.sleep(float(os.environ.get("PAUSE", 0)))
        return x / 2
"""
NET = [
    "plugins=[slow.py]", "norm=slow", "model.depth=1", "model.width=4", "data.train_size=128", "steps=24",
    "log_every=4", "diagnostics=off", "sweep.pack_size=1", "checkpoint_seconds=1", "device=cpu",
]  # fmt: skip


class Sweep(subprocess.Popen[str]):
    """A `bnlab` command in a process of its own."""

    COMMAND = (sys.executable, "-m", "bnlab")

    def __init__(self, folder: Path, *words: str, pause: float = 0.0) -> None:
        self._log = folder / f"said_{time.monotonic_ns()}.txt"
        env = os.environ | {"PAUSE": str(pause), "COLUMNS": "200", "LOKY_MAX_CPU_COUNT": "1"}
        with self._log.open("w") as log:
            super().__init__(
                [*self.COMMAND, *words], cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT, text=True
            )

    @property
    def said(self) -> str:
        """Return its output, including errors."""
        return self._log.read_text()


@pytest.fixture(scope="session", autouse=True)
def _slurm() -> Iterator[None]:
    if "CLUSTER" not in os.environ:
        pytest.skip("needs the Slurm that `make cluster` starts")
    yield
    subprocess.run(["scancel", "--user=root"], check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with the plugin, in which commands are run."""
    (tmp_path / "slow.py").write_text(PLUGIN)
    return tmp_path


def slurm(*words: str) -> str:
    """Return what a command of Slurm prints."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def until(is_so: Callable[[], object], *, seconds: float = 240) -> None:
    """Wait for something that other processes bring about."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


def rows(study: Path) -> int:
    """Return the number of runs that have recorded a step."""
    return sum(path.stat().st_size > 100 for path in study.glob("*/steps.csv"))


def logs(study: Path) -> dict[str, str]:
    """Return the logs of a study's workers, by the name of each task."""
    return {path.stem: path.read_text() for path in sorted((study / "slurm").glob("*.log"))}


def assert_same(study: Path, serial: Path, copies: Path) -> None:
    """Check that a study equals one that a single process has trained, except for who trained which pack."""
    for name, one in {"study": study, "serial": serial}.items():
        shutil.copytree(one, copies / name, ignore=shutil.ignore_patterns("slurm"))
        (copies / name / "packs.json").write_text("{}")
    assert_equal(copies / "study", copies / "serial")
