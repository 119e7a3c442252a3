"""A launch in Slurm: what is submitted, how long it waits, and what ends it. Runs end as the test says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlab.config.identity import axes
from bnlab.errors import BadInput
from bnlab.runs.info import read_info
from bnlab.runs.lock import lock
from bnlab.runs.packing import read_packing
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.cluster import launch
from bnlab.sweeps.cluster.launch import Array
from bnlab.sweeps.display.console import SweepConsole
from bnlab.sweeps.job import Job
from bnlab.terminal import Console
from tests.sweeps.cluster.conftest import Make
from tests.sweeps.cluster.fake import FakeSlurm


class Launched:
    """An `Array` whose sleep is a moment at which the test acts."""

    def __init__(self, jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
        self.ended: list[str] = []
        self.skipped: dict[str, str] = {}
        self.said: list[str] = []
        self._moments: Iterator[Callable[[], object]] = iter(())
        view = SweepConsole(Console(quiet=True), len(jobs))
        monkeypatch.setattr(view, "note", self.said.append)
        monkeypatch.setattr(launch, "QUERY", 0.0)
        monkeypatch.setattr(launch, "sleep", lambda _: next(self._moments)())
        labelled = {str(job.folder): (job, "") for job in jobs}
        self.array = Array(labelled, jobs, view, self._end, self.skipped.__setitem__)

    def _end(self, job: Job, info: dict[str, Any]) -> None:
        self.ended.append(job.run_id)

    def wait(self, *moments: Callable[[], object]) -> None:
        self._moments = iter(moments)
        self.array.wait()
        assert next(self._moments, None) is None


Start = Callable[[list[Job]], Launched]


@pytest.fixture
def start(slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> Start:
    return lambda jobs: Launched(jobs, monkeypatch)


def leave(job: Job, status: str = "complete", step: int = 4) -> None:
    """Leave the folder of a job as a run that has come to this."""
    job.make_study()
    with RunWriter(job.folder) as writer:
        info = {"run_id": job.run_id, "axes": axes(job.config), "command": job.command}
        writer.create("seed: 0\n", info)
        writer.append("steps", [{"step": step, "epoch": 1}])
        writer.update(status=status, cause="x" if status == "failed" else None)


def test_it_lays_out_submits_and_waits(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(3, "sweep.workers=2")
    launched = start(some)
    some[0].make_study()
    launched.array.submit()
    (script,) = slurm.submitted()
    assert "#SBATCH --array=1-2\n" in script
    commands = {run: command for one in read_packing(some[0].study).packs for run, command in one.runs.items()}
    assert commands.keys() == {job.run_id for job in some}
    assert not any("launcher" in command or "sweep.workers" in command for command in commands.values())
    launched.wait(lambda: leave(some[1]), lambda: (leave(some[0], "failed"), leave(some[2], "diverged")))
    assert launched.ended == [some[1].run_id, *sorted([some[0].run_id, some[2].run_id])]
    assert slurm.cancelled == "--state=PENDING 1\n"  # what has not started has nothing to do


def test_a_second_launch_attaches(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(4, "sweep.workers=3")
    some[0].make_study()
    start(some).array.submit()
    packs = (some[0].study / "packs.json").read_bytes()
    second = start(some)
    second.array.submit()
    assert len(slurm.submitted()) == 1
    assert second.said == ["attached: slurm: 3 workers of job 1 running on n1"]
    assert (some[0].study / "packs.json").read_bytes() == packs
    slurm.queue("1_3|RUNNING||n1")
    third = start(some)
    third.array.submit()
    assert "--array=1-2\n" in slurm.submitted()[1]  # the two that are missing


def test_workers_that_are_gone_are_replaced(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(2)
    some[0].make_study()
    launched = start(some)
    launched.array.submit()
    launched.wait(
        lambda: (leave(some[0]), slurm.queue()),
        lambda: None,  # no worker, twice in a row
        lambda: None,
        lambda: leave(some[1]),
    )
    assert [script.count("--array=1-1\n") for script in slurm.submitted()] == [0, 1]


def test_runs_that_other_workers_train_need_no_new_ones(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    launched = start([job])
    launched.array.submit()
    leave(job, "running", 2)
    with lock(job.folder):
        launched.wait(slurm.queue, lambda: None, lambda: None, lambda: None, lambda: leave(job))
    assert len(slurm.submitted()) == 1


def test_workers_that_train_nothing_are_not_replaced(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    launched = start([job])
    launched.array.submit()
    (job.study / "slurm/1_1.log").write_text(
        "bnlab worker starts: 1_1 on n1\nbnlab: another torch\nbnlab worker ended with status 2\n"
    )
    with pytest.raises(BadInput, match=r"without training, and 1 run is left; .*worker 1_1 ended: another torch;"):
        launched.wait(slurm.queue, lambda: None, lambda: None)
    assert len(slurm.submitted()) == 1


def test_cancelled_workers_are_not_replaced(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(2)
    some[0].make_study()
    launched = start(some)
    launched.array.submit()
    for n in (1, 2):
        (some[0].study / f"slurm/1_{n}.log").write_text(
            f"bnlab worker starts: 1_{n} on n1\nslurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-30 ***\n"
        )
    with pytest.raises(BadInput, match="cancelled, and 1 run is left: the same command submits new ones"):
        launched.wait(lambda: (slurm.queue(), leave(some[0])), lambda: None, lambda: None)


def test_a_silent_squeue_is_no_error(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    launched = start([job])
    launched.array.submit()
    launched.wait(slurm.mute, lambda: None, lambda: None, lambda: leave(job))
    assert launched.said[1:] == ["slurm does not answer: only the folder is watched"]
    assert len(slurm.submitted()) == 1


def test_pending_workers_are_named_with_the_reason(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    slurm.start_as("PENDING|Priority|")
    launched = start([job])
    launched.array.submit()
    launched.wait(lambda: None, lambda: leave(job))
    assert launched.said[1:] == ["slurm: 1 worker of job 1 pending (Priority)"]


def test_workers_that_can_never_start_are_withdrawn(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    slurm.start_as("PENDING|PartitionTimeLimit|")
    launched = start([job])
    launched.array.submit()
    with pytest.raises(BadInput, match=r"job 1 cannot start \(PartitionTimeLimit\): the partition permits less"):
        launched.wait()
    assert slurm.cancelled == "1\n"


def test_failed_runs_are_trained_once_more(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(2, "sweep.retry=failed")
    for job in some:
        leave(job, "failed")
    launched = start(some)
    launched.array.submit()
    assert [read_info(job.folder)["status"] for job in some] == ["running", "running"]
    launched.wait(lambda: (leave(some[0], "failed"), leave(some[1])))
    assert len(launched.ended) == 2


def test_the_first_failure_ends_all_if_asked(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    some = jobs(3, "sweep.fail_fast=true")
    some[0].make_study()
    launched = start(some)
    launched.array.submit()
    launched.wait(lambda: leave(some[1], "failed"))
    assert (launched.ended, slurm.cancelled) == ([some[1].run_id], "1\n")


def test_an_interrupted_wait_leaves_the_workers(slurm: FakeSlurm, jobs: Make, start: Start) -> None:
    (job,) = jobs(1)
    job.make_study()
    launched = start([job])
    launched.array.submit()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launched.wait(interrupt)
    assert launched.said[-1].endswith("--watch; scancel 1 ends them")
    assert slurm.cancelled == ""


def test_one_study_at_a_time(jobs: Make, start: Start, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workers of one study"):
        start([*jobs(1), *jobs(1, "study=other")])


def test_a_machine_without_slurm(jobs: Make, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    some = jobs(1)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="launcher=slurm needs sbatch, which is not on this machine"):
        start(some)
