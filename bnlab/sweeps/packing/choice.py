"""Choice of how a sweep is executed: which runs train together, in how many processes. Does not need torch."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bnlab.errors import BadInput
from bnlab.registry import find
from bnlab.sweeps.job import Job

TOGETHER = {"cpu": 32, "cuda": 128}  # most runs of a pack; one that does not fit in memory is halved (see Runner)
LARGE = 100_000_000  # multiply-adds per batch from which a single net keeps a core busy
START = 6.0  # seconds to start worker processes, mostly to import torch (compiled bytecode)
COPIES = 8  # of its parameters that a run in a pack needs: gradients, velocity, initial values, a checkpoint …


class Machine(NamedTuple):
    """Available hardware: memory in bytes, and the start of a worker process in seconds."""

    device: str
    cores: int
    gpus: int
    memory: int
    start: float


class Size(NamedTuple):
    """Size of a net: its parameters, and the multiply-adds per batch of its layers with weights."""

    n_params: int
    work: int


def gain(size: Size | None) -> float:
    """Return the speedup of a net in a pack over a single run, on one core; 1.5 if its size is unknown.

    An update takes the time of its products and, in a single run, another 0.55 ms; in a pack, hardly more than its
    share of the memory that 32 nets need. Fitted to benchmarks/results.md, on that machine, and limited to 1 to 4.
    """
    if size is None:
        return 1.5
    products = 6 * size.work / 60e9  # two operations each, once forward and twice backward
    return min(4.0, max(1.0, (products + 0.55e-3) / (products + 0.05e-3 + 0.8e-9 * size.n_params)))


@dataclass(frozen=True)
class Choice:
    """Execution of a sweep, and the reason in one line.

    Attributes:
        workers: processes that train in parallel; 0: only this process.
        together: returns the largest pack size for runs like a job.
    """

    workers: int
    together: Callable[[Job], int]
    why: str


def asked(job: Job) -> dict[str, Any]:
    """Return the options that determine a choice."""
    return {"launcher": job.config.run["launcher"], **{key: job.config.sweep[key] for key in ("workers", "pack_size")}}


def choose(
    jobs: Sequence[Job], machine: Machine, size: Callable[[Job], Size | None], seconds: Callable[[], float | None]
) -> Choice:
    """Choose for the waiting jobs, by the options of the first.

    Args:
        size: returns the size of a job's net; None if unknown.
        seconds: returns the time of all jobs one after another in this process; None if unknown. Called only if it
            matters.

    Raises:
        BadInput: options exclude each other.
    """
    launcher, workers, most = asked(jobs[0]).values()
    if launcher == "serial" and (workers, most) != (None, None):
        raise BadInput("launcher=serial trains run by run in this process: leave out sweep.workers and sweep.pack_size")
    alike = Counter(job.group_key for job in jobs)
    limits: dict[str, tuple[int, str]] = {}
    saved = 0.0  # in units of the time of one run
    for job in jobs:
        if alike[name := job.group_key] > 1 and name not in limits:
            limits[name] = limit_of(job, machine, size)
            if limits[name][0] > 1 and launcher == "auto" and machine.device == "cpu":
                saved += alike[name] * (1 - 1 / gain(size(job)))
    fused = sum(alike[name] for name, (limit, _) in limits.items() if limit > 1)
    each = max(job.config.run["processes"] for job in jobs)
    slots = min(max(1, (machine.gpus if machine.device == "cuda" else machine.cores) // each), len(jobs))
    short = False
    if workers is None and launcher == "auto" and machine.device == "cpu" and slots > 1:
        alone = seconds()
        whole = 0.0 if alone is None else alone * (1 - saved / len(jobs))
        short = whole * (1 - 1 / slots) < machine.start
    if workers is None:
        workers = (
            0 if launcher in ("serial", "fused") or short else slots if slots > 1 or launcher == "processes" else 0
        )
    share = -(-fused // max(workers, 1))  # so that each process has a pack

    def together(job: Job) -> int:
        limit, _ = limits.get(job.group_key, (1, ""))
        return max(1, min(limit, share)) if most is None else limit

    reasons = dict.fromkeys(reason for _, reason in limits.values() if reason)
    if short:
        reasons["too short for worker processes to pay off"] = None
    most_together = max(min(together(job), alike[job.group_key]) for job in jobs)
    how = f"up to {most_together} together" if fused else "one by one"
    how += f", {len(jobs) - fused} of {len(jobs)} separately" if 0 < fused < len(jobs) else ""
    where = f"in {workers} processes" if workers else "in this process"
    place = f"{machine.cores} cores" if machine.device == "cpu" else f"{machine.gpus} GPUs"
    return Choice(workers, together, f"launcher={launcher}: {how}, {where} ({'; '.join([place, *reasons])})")


def limit_of(job: Job, machine: Machine, size: Callable[[Job], Size | None]) -> tuple[int, str]:
    """Return the largest pack size for runs like this one, and the reason if it is chosen to be 1.

    Args:
        size: returns the size of a job's net; None if unknown.
    """
    launcher, _, most = asked(job).values()
    if job.config.run["processes"] > 1:
        return 1, "a run of several processes is not packed"
    if most is not None or launcher in ("serial", "processes"):
        return most or 1, ""
    model = job.config.model["name"]
    if launcher == "auto" and machine.device == "cpu" and find("model", model).facts.get("convolutional"):
        return 1, "convolutions gain nothing from packing on a CPU"
    own = size(job)
    if own is None:
        return TOGETHER[machine.device], ""
    if launcher == "auto" and machine.device == "cpu" and own.work >= LARGE:
        return 1, "nets this large gain nothing from packing on a CPU"
    fit = machine.memory // 2 // (4 * COPIES * max(own.n_params, 1))
    return max(1, min(TOGETHER[machine.device], fit)), "" if fit > 1 else "two runs do not fit in memory"
