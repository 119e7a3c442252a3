"""Logs of workers: why one ended."""

from pathlib import Path

import pytest

from bnlab.sweeps.cluster.trace import Traces

START = "bnlab worker starts: 12_3 on n1\n8 runs: 8 to train, 0 done already\n"
END = "bnlab worker ended with status {}\n"
SIGNAL = "bnlab: ended by a signal; the same command resumes where it stopped\n"
SAYS = "slurmstepd: error: *** JOB 14 ON n1 CANCELLED AT 2026-11-30T22:01:02{} ***\n"

# The end of a log, and the cause that it gives.
LOGS = {
    "done": (END.format(0), ""),
    "a run failed, which its folder names": ("8 failed\n" + END.format(1), ""),
    "cancelled": (SAYS.format("") + SIGNAL + END.format(143), "cancelled"),
    "cancelled and killed": (SAYS.format(""), "cancelled"),
    "time limit": (SAYS.format(" DUE TO TIME LIMIT"), "time limit"),
    "preempted": (SAYS.format(" DUE TO PREEMPTION") + END.format(143), "preemption"),
    "node failure": (SAYS.format(" DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS"), "node failure"),
    "memory": (END.format(137) + "slurmstepd: error: Detected 1 oom_kill event in StepId=14.batch.\n", "out of memory"),
    "killed": (END.format(137), "killed (out of memory?)"),
    "another version": ("bnlab: s was laid out with torch 1\n" + END.format(2), "s was laid out with torch 1"),
    "a fault": ("Traceback (most recent call last):\n  x\nValueError: y\n" + END.format(1), "ValueError: y"),
    "no python": ("sh: 1: python: not found\n" + END.format(127), "status 127"),
    "gone": ("", "killed, or its node failed"),
}


@pytest.mark.parametrize("name", LOGS)
def test_causes(tmp_path: Path, name: str) -> None:
    end, cause = LOGS[name]
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/12_3.log").write_text(START + end)
    found = Traces(tmp_path).read(set())
    assert [(one.id, one.cause) for one in found] == ([("12_3", cause)] if cause else [])


def test_only_the_last_start_counts(tmp_path: Path) -> None:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/12_3.log").write_text(START + SIGNAL + END.format(143) + START + END.format(0))
    assert Traces(tmp_path).read(set()) == []


def test_a_living_worker_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/12_3.log").write_text(START)
    traces = Traces(tmp_path)
    assert traces.read({"12_3"}) == []
    assert traces.read(None) == []  # unknown
    assert [one.id for one in traces.read({"12_4"})] == ["12_3"]


def test_foreign_and_unreadable_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/mine.log").write_text(START)
    (tmp_path / "slurm/12_3.log").mkdir()
    assert Traces(tmp_path).read(set()) == []
