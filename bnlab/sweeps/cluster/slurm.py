"""Commands of Slurm: sbatch, squeue, scancel. `sacct` is not used, because many clusters do not have it."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from bnlab.errors import BadInput

PATIENCE = 60.0  # seconds for an answer

# What sbatch says, and what may be done about it.
_REMEDIES = {
    "account": "name yours, sweep.sbatch=[--account=NAME]",
    "partition": "sinfo lists the partitions, sweep.partition=NAME names one",
    "time limit": "lower sweep.time (sinfo -o '%P %l' prints the limit of each partition)",
    "node configuration": "no node has so many CPUs, GPUs or so much memory: change sweep.sbatch or sweep.gpus",
    "memory specification": "no node has so much memory: change sweep.sbatch",
    "gres": "no node has such GPUs: change sweep.gpus or sweep.partition",
    "job array": "lower sweep.workers",
    "qos": "change sweep.sbatch=[--qos=NAME]",
    "configuration source": "this machine belongs to no cluster; `bnlab worker` trains the runs without one",
    "contact": "is slurmctld running? try again later; `bnlab worker` trains the runs without Slurm",
}
# Reasons for which a job can never start, with the remedy.
HOPELESS = {
    "PartitionTimeLimit": "the partition permits less than sweep.time: lower it",
    "PartitionConfig": "the partition permits less time, or no node has so many CPUs, GPUs or so much memory: "
    "lower sweep.time or change sweep.sbatch",
    "PartitionNodeLimit": "the partition permits fewer nodes: change sweep.sbatch",
    "BadConstraints": "no node satisfies the constraints: change sweep.sbatch",
    "AccountNotAllowed": "the partition does not permit this account: change sweep.partition or sweep.sbatch",
    "InvalidAccount": "the account is not valid: change sweep.sbatch=[--account=NAME]",
    "InvalidQOS": "the QOS is not valid: change sweep.sbatch=[--qos=NAME]",
    "QOSNotAllowed": "the partition does not permit this QOS: change sweep.sbatch=[--qos=NAME]",
}


@dataclass(frozen=True)
class Task:
    """A worker that Slurm knows and that has not ended.

    Attributes:
        id: "12_3": job and index in its array.
        state: RUNNING, PENDING …
        reason: why it is pending; "" otherwise.
        nodes: where it is running; "" otherwise.
    """

    id: str
    state: str
    reason: str = ""
    nodes: str = ""

    @property
    def job(self) -> str:
        """Id of its array."""
        return self.id.partition("_")[0]


def require() -> None:
    """Raise `BadInput` on a machine without Slurm."""
    if which("sbatch") is None:
        raise BadInput(
            "launcher=slurm needs sbatch, which is not on this machine: use a login node of the cluster, or "
            "launcher=none and `bnlab worker` on each machine"
        )


def submit(script: Path) -> str:
    """Submit a script and return the job's id.

    Raises:
        BadInput: sbatch refuses it, or does not answer.
    """
    # Within a job, its own size and limits would be inherited.
    inside = "SLURM_JOB_ID" in os.environ
    kept = {k: v for k, v in os.environ.items() if not (inside and k.startswith("SLURM_") and k != "SLURM_CONF")}
    done = _called(["sbatch", "--parsable", str(script)], kept)
    said = [line.strip() for line in (done.stderr if done else "").splitlines() if line.strip()]
    found = re.fullmatch(r"(\d+)(;.*)?", done.stdout.strip()) if done else None
    if found is not None:
        return found[1]
    reason = " ".join(said[-2:]).replace("sbatch: error: ", "") or "no answer"
    remedy = next((way for word, way in _REMEDIES.items() if word in reason.lower()), "")
    raise BadInput(f"nothing was submitted, sbatch: {reason}" + (f": {remedy}" if remedy else ""))


def queue(name: str) -> list[Task] | None:
    """Return the tasks of this name that have not ended; None if Slurm does not answer."""
    done = _called(["squeue", "--noheader", "--array", f"--name={name}", "--format=%i|%T|%r|%N"])
    if done is None or done.returncode:
        return None
    tasks = []
    for line in done.stdout.splitlines():
        cells = line.strip().split("|")
        if len(cells) == 4 and cells[1] != "COMPLETING":
            reason = cells[2] if cells[1] == "PENDING" and cells[2] != "None" else ""
            tasks.append(Task(cells[0], cells[1], reason, cells[3]))
    return tasks


def cancel(jobs: Sequence[str], *, pending: bool = False) -> None:
    """Cancel jobs, or only their tasks that are pending. An error is ignored: a job that has ended is none."""
    if jobs:
        _called(["scancel", *(["--state=PENDING"] if pending else []), *jobs])


def _called(words: Sequence[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return None
