"""A disk that is full or read-only: one line, nothing is lost, and the same command continues later."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.study import SWEEP, assert_equal
from tests.soak.warm import Warm

FEW = [*SWEEP, "seed=0", "norm=batch"]
WORDS = [*FEW, "launcher=fused"]


TRAIN = ["train", "study=soak", "epochs=20", "model.width=8", "checkpoint_seconds=0"]


def mount(folder: Path, options: str) -> None:
    done = subprocess.run(["mount", "-o", options, "-t", "tmpfs", "bnlab", folder], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"may not mount a tmpfs: {done.stderr.decode().strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=120k")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize(
    "launcher",
    ["fused", *(pytest.param(one, marks=pytest.mark.exhaustive) for one in ("serial", "train", "processes"))],
)
def test_a_full_disk(start: Warm, tmp_path: Path, disk: Path, launcher: str) -> None:
    words = [*FEW, f"launcher={launcher}"] if launcher != "train" else TRAIN
    (tmp_path / "outputs").symlink_to(disk)
    full = start(tmp_path, *words)
    assert full.wait() == 1, full.said
    (line,) = [line for line in full.said.splitlines() if line.startswith("bnlab:")]
    assert "No space left on device" in line
    assert line.endswith("make room, then the same command resumes")
    assert "Traceback" not in full.said
    subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    room = start(tmp_path, *words)
    assert room.wait() == 0, room.said
    other = start(tmp_path / "other", *words)
    assert other.wait() == 0, other.said
    if launcher != "train":
        assert_equal(tmp_path / "outputs/soak", tmp_path / "other/outputs/soak")


def test_a_disk_that_takes_no_writes(start: Warm, tmp_path: Path, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    process = start(tmp_path, *WORDS, f"output_dir={disk}")
    assert process.wait() == 2
    assert process.said.count("\n") == 1
    assert "cannot be written" in process.said


@pytest.mark.exhaustive
def test_a_file_that_may_not_grow(start: Warm, tmp_path: Path) -> None:
    """A file size limit acts like a quota, and needs no mounted disk."""
    process = start(tmp_path, *WORDS, largest=3000)
    assert process.wait() == 1, process.said
    assert "File too large" in process.said.splitlines()[-1]
    again = start(tmp_path, *WORDS)
    assert again.wait() == 0, again.said
    other = start(tmp_path / "other", *WORDS)
    assert other.wait() == 0, other.said
    assert_equal(tmp_path / "outputs/soak", tmp_path / "other/outputs/soak")
