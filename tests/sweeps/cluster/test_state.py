"""What `bnlab status` says about workers in Slurm."""

from pathlib import Path

import pytest

from bnlab.sweeps.cluster import state
from bnlab.sweeps.cluster.state import Workers
from tests.sweeps.cluster.fake import FakeSlurm


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "s/slurm").mkdir(parents=True)
    return tmp_path / "s"


def leave(study: Path, task: str, end: str) -> None:
    (study / f"slurm/{task}.log").write_text(f"bnlab worker starts: {task} on n1\n{end}")


def test_a_study_without_slurm_asks_nothing(slurm: FakeSlurm, tmp_path: Path) -> None:
    assert Workers(tmp_path).look() == []
    assert not (tmp_path / "fake/asked").exists()


def test_running_pending_and_ended_workers(slurm: FakeSlurm, study: Path) -> None:
    slurm.queue("7_1|RUNNING||n2", "7_2|RUNNING||n1", "7_3|PENDING|Resources|", "8_1|PENDING|PartitionTimeLimit|")
    for task in ("7_1", "7_2"):
        leave(study, task, "")
    for task in ("7_4", "7_5"):
        leave(study, task, "slurmstepd: error: *** JOB 9 ON n1 CANCELLED AT 2026-11-30T22:01:02 ***\n")
    leave(study, "7_6", "slurmstepd: error: Detected 1 oom_kill event in StepId=14.batch.\n")
    assert Workers(study).look() == [
        "slurm: 2 workers of job 7 running on n1, n2",
        "slurm: 1 worker of job 7 pending (Resources)",
        "slurm: 1 worker of job 8 pending (PartitionTimeLimit: the partition permits less than sweep.time: lower it)",
        f"slurm: worker 7_4, 7_5 ended: cancelled; log: {study}/slurm/7_5.log",
        f"slurm: worker 7_6 ended: out of memory; log: {study}/slurm/7_6.log",
    ]


def test_without_an_answer_the_logs_speak(slurm: FakeSlurm, study: Path) -> None:
    slurm.mute()
    leave(study, "7_1", "")
    leave(study, "7_2", "bnlab: no data\nbnlab worker ended with status 2\n")
    assert Workers(study).look() == [
        "slurm does not answer; the logs of 1 worker have no end",
        f"slurm: worker 7_2 ended: no data; log: {study}/slurm/7_2.log",
    ]


def test_it_does_not_ask_at_every_look(slurm: FakeSlurm, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(study)
    workers.look()
    workers.look()
    asked = study.parent / "fake/asked"
    assert len(asked.read_text().splitlines()) == 1
    monkeypatch.setattr(state, "QUERY", 0.0)
    workers.look()
    assert len(asked.read_text().splitlines()) == 2
