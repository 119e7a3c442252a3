"""60 runs by four workers on two nodes: whatever dies, every run is complete once, and equals the serial one."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from bnlab.runs.status import Study
from tests.cluster.conftest import NET, PLUGIN, Sweep, assert_same, logs, rows, slurm, until

pytestmark = pytest.mark.cluster
GRID = ["sweep", *NET, "study=s", "optim.lr=0.01,0.1,1", "seed=range(0,20)"]
SLURM = ["launcher=slurm", "sweep.workers=4"]


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the study as one process trains it."""
    place = tmp_path_factory.mktemp("serial")
    (place / "slow.py").write_text(PLUGIN)
    done = Sweep(place, *GRID)
    assert done.wait() == 0, done.said
    return place / "outputs/s"


def assert_whole(study: Path, serial: Path, place: Path) -> None:
    look = Study(study).look()
    assert [run.state for run in look.runs] == ["complete"] * 60
    said = re.findall(r"complete (optim.lr=\S+ seed=\d+)  ", "".join(logs(study).values()))
    assert len(said) == len(set(said))  # a worker names another's run differently
    assert_same(study, serial, place / "copies")


def test_two_submissions_at_once_share_four_workers(place: Path, serial: Path) -> None:
    both = [Sweep(place, *GRID, *SLURM, pause=0.02) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0], [one.said for one in both]
    said = "".join(one.said for one in both)
    assert said.count("4 workers submitted as job") == 1
    assert said.count("attached: slurm: 4 workers of job") == 1
    assert said.splitlines().count("60 complete") == 2
    found = logs(place / "outputs/s")
    assert len(found) == 4
    assert {re.search("on (n[12])", log)[1] for log in found.values()} == {"n1", "n2"}  # type: ignore[index]
    assert_whole(place / "outputs/s", serial, place)


def test_whatever_dies_nothing_is_lost(place: Path, serial: Path) -> None:
    study, cluster = place / "outputs/s", Path(os.environ["CLUSTER"])
    first = Sweep(place, *GRID, *SLURM, pause=0.1)
    until(lambda: len(logs(study)) == 4 and rows(study) >= 8)
    first.kill()  # the submitting process
    first.wait()
    job = next(iter(logs(study))).partition("_")[0]
    slurm("scancel", f"{job}_1", f"{job}_3")  # half of the array
    until(lambda: all("CANCELLED" in logs(study)[f"{job}_{n}"] for n in (1, 3)))
    victim = next(pid for pid, task in workers(study).items() if task == f"{job}_2")
    os.kill(victim, signal.SIGKILL)
    os.kill(int((cluster / "n2.pid").read_text()), signal.SIGKILL)  # a node's daemon; its workers go on
    until(lambda: "ended with status 137" in logs(study)[f"{job}_2"])
    said = subprocess.run(
        [*Sweep.COMMAND, "status", str(study)], capture_output=True, text=True, check=True, cwd=place
    ).stdout
    assert f"worker {job}_1, {job}_3 ended: cancelled; log: {study}/slurm/{job}_3.log" in said
    assert f"worker {job}_2 ended: killed (out of memory?); log: {study}/slurm/{job}_2.log" in said
    subprocess.run(["unshare", "-u", "sh", "-c", "hostname n2 && exec slurmd -c -N n2"], check=True)
    again = Sweep(place, *GRID, *SLURM)
    assert again.wait() == 0, again.said
    assert "60 complete" in again.said
    assert_whole(study, serial, place)


def workers(study: Path) -> dict[int, str]:
    """Return the processes that train a study in Slurm, each with its task."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if b"worker" in words and str(study).encode() in words:
                pairs = (one.partition(b"=") for one in (path / "environ").read_bytes().split(b"\0"))
                env = {name.decode(): value.decode() for name, _, value in pairs}
                found[int(path.name)] = f"{env['SLURM_ARRAY_JOB_ID']}_{env['SLURM_ARRAY_TASK_ID']}"
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
