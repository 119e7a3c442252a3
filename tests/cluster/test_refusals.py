"""Workers that cannot start: one clear line, and nothing stays in the queue."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.conftest import Sweep, slurm
from tests.conftest import Called

pytestmark = pytest.mark.cluster
NET = ["sweep", "launcher=slurm", "model.depth=1", "model.width=4", "steps=4", "study=s", "norm=none,batch"]

WRONG = {
    "a partition that does not exist": (["sweep.partition=nope"], "sinfo lists the partitions"),
    "more memory than a node has": (["sweep.sbatch=[--mem=900G]"], "change sweep.sbatch"),
    "more cores than a node has": (["sweep.sbatch=[--cpus-per-task=99]"], "change sweep.sbatch"),
    "more time than the partition permits": (
        ["sweep.partition=short", "sweep.time=10"], "the partition permits less",  # PartitionTimeLimit, PartitionConfig
    ),
    "GPUs that no node has": (["sweep.gpus=1"], "change sweep.gpus"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_line(bnlab: Callable[..., Called], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    words, said = WRONG[name]
    status, _, err = bnlab(*NET, *words)
    assert (status, err.count("\n")) == (2, 1)
    assert said in err
    assert slurm("squeue", "--noheader") == ""


def test_a_full_disk(place: Path) -> None:
    """Workers end with a line that says so; with room the same command resumes."""
    disk = place / "outputs"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], check=True)
    words = [*NET, "seed=range(0,10)", "sweep.workers=1", "sweep.pack_size=1"]
    try:
        full = Sweep(place, *words)
        assert full.wait() in (1, 2), full.said
        assert "Traceback" not in full.said
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        again = Sweep(place, *words)
        assert again.wait() == 0, again.said
        assert "20 complete" in again.said
    finally:
        os.sync()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
