"""Commands of Slurm, by scripts that stand in for them."""

from pathlib import Path

import pytest

from bnlab.errors import BadInput
from bnlab.sweeps.cluster import slurm as commands
from bnlab.sweeps.cluster.slurm import Task
from tests.sweeps.cluster.fake import FakeSlurm

REFUSALS = {
    "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name "
    "specified\n": "sinfo lists the partitions, sweep.partition=NAME names one",
    "sbatch: error: Batch job submission failed: Requested node configuration is not available\n": "no node has so",
    "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)\n":
        "lower sweep.time",
    "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified\n":
        "--account=NAME",
}  # fmt: skip


@pytest.mark.parametrize("said", REFUSALS)
def test_a_refusal_is_one_line(slurm: FakeSlurm, tmp_path: Path, said: str) -> None:
    slurm.refuse(said)
    with pytest.raises(BadInput) as error:
        commands.submit(tmp_path / "script")
    line = str(error.value)
    assert line.startswith("nothing was submitted, sbatch: ")
    assert "error:" not in line
    assert REFUSALS[said] in line


def test_another_refusal_is_passed_on(slurm: FakeSlurm, tmp_path: Path) -> None:
    slurm.refuse("sbatch: error: Unable to contact slurm controller (connect failure)\n")
    with pytest.raises(BadInput, match=r"^nothing was submitted, sbatch: Unable .*: is slurmctld running\?"):
        commands.submit(tmp_path / "script")


def test_within_a_job_its_limits_are_not_inherited(
    slurm: FakeSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fake/sbatch"
    path.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\necho 5\n")
    for name in ("SLURM_JOB_ID", "SLURM_MEM_PER_CPU", "SLURM_CONF"):
        monkeypatch.setenv(name, "1")
    assert commands.submit(tmp_path / "script") == "5"
    assert [line for line in (tmp_path / "env").read_text().splitlines() if "SLURM" in line] == ["SLURM_CONF=1"]


def test_the_queue(slurm: FakeSlurm) -> None:
    slurm.queue("7_1|RUNNING||n1", "7_2|PENDING|Priority|", "7_3|PENDING|None|", "7_4|COMPLETING||n2", "odd")
    assert commands.queue("x") == [
        Task("7_1", "RUNNING", "", "n1"), Task("7_2", "PENDING", "Priority"), Task("7_3", "PENDING")
    ]  # fmt: skip
    slurm.mute()
    assert commands.queue("x") is None


def test_without_slurm_the_queue_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commands.queue("x") is None
