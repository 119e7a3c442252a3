"""How a sweep is carried out: what is trained together, and in how many processes. Needs no torch."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bnlab.errors import BadInput
from bnlab.registry import find
from bnlab.sweeps.job import Job

TOGETHER = {"cpu": 32, "cuda": 128}  # most runs of a pack; what does not fit into memory is halved (see Runner)
LARGE = 100_000_000  # multiply-adds a batch from which on one net alone keeps a core busy
START = 6.0  # seconds that worker processes take to start, most of them for the import of torch (compiled bytecode)
COPIES = 8  # of its parameters that a run in a pack needs: gradients, velocity, initial ones, a checkpoint …


class Machine(NamedTuple):
    """What there is to train on: memory in bytes, and what a worker process takes to start in seconds."""

    device: str
    cores: int
    gpus: int
    memory: int
    start: float


class Size(NamedTuple):
    """Of a net: its parameters, and the multiply-adds of a batch in its layers with weights."""

    n_params: int
    work: int


def gain(size: Size | None) -> float:
    """How many times as fast a net trains in a pack as alone, on one core; 1.5 where its size is not known.

    An update takes the time of its products and, alone, 0.55 ms besides; in a pack hardly more than its share of the
    memory that 32 nets need. Fitted to benchmarks/results.md, on the machine there, and not believed beyond 1 to 4.
    """
    if size is None:
        return 1.5
    products = 6 * size.work / 60e9  # two operations each, forward and twice back
    return min(4.0, max(1.0, (products + 0.55e-3) / (products + 0.05e-3 + 0.8e-9 * size.n_params)))


@dataclass(frozen=True)
class Choice:
    """What was chosen and, in a line, why.

    Attributes:
        workers: processes that train at once; 0: this one alone.
        together: the most runs like this one that are trained together.
    """

    workers: int
    together: Callable[[Job], int]
    why: str


def asked(job: Job) -> dict[str, Any]:
    """The options that a choice follows."""
    return {"launcher": job.config.run["launcher"], **{key: job.config.sweep[key] for key in ("workers", "pack_size")}}


def choose(
    jobs: Sequence[Job], machine: Machine, size: Callable[[Job], Size | None], seconds: Callable[[], float | None]
) -> Choice:
    """Choose for the jobs that wait, by the options of the first.

    Args:
        size: of a job's net; null where it is not known.
        seconds: what all of them take one after another in this process; null where nobody knows. Asked only where
            it matters.

    Raises:
        BadInput: options that exclude each other.
    """
    launcher, workers, most = asked(jobs[0]).values()
    if launcher == "serial" and (workers, most) != (None, None):
        raise BadInput("launcher=serial trains run by run in this process: leave out sweep.workers and sweep.pack_size")
    alike = Counter(job.kin for job in jobs)
    limits: dict[str, tuple[int, str]] = {}
    saved = 0.0  # runs' worth of time
    for job in jobs:
        if alike[name := job.kin] > 1 and name not in limits:
            limits[name] = _limit(job, machine, size)
            if limits[name][0] > 1 and launcher == "auto" and machine.device == "cpu":
                saved += alike[name] * (1 - 1 / gain(size(job)))
    fused = sum(alike[name] for name, (limit, _) in limits.items() if limit > 1)
    slots = min(machine.gpus if machine.device == "cuda" else machine.cores, len(jobs))
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
        limit, _ = limits.get(job.kin, (1, ""))
        return max(1, min(limit, share)) if most is None else limit

    reasons = dict.fromkeys(reason for _, reason in limits.values() if reason)
    if short:
        reasons["too short for worker processes to pay"] = None
    most_together = max(min(together(job), alike[job.kin]) for job in jobs)
    how = f"up to {most_together} together" if fused else "one by one"
    how += f", {len(jobs) - fused} of {len(jobs)} alone" if 0 < fused < len(jobs) else ""
    where = f"in {workers} processes" if workers else "in this process"
    place = f"{machine.cores} cores" if machine.device == "cpu" else f"{machine.gpus} GPUs"
    return Choice(workers, together, f"launcher={launcher}: {how}, {where} ({'; '.join([place, *reasons])})")


def _limit(job: Job, machine: Machine, size: Callable[[Job], Size | None]) -> tuple[int, str]:
    """The most runs like this one that are trained together, and why it is one where `auto` decides."""
    launcher, _, most = asked(job).values()
    if most is not None or launcher in ("serial", "processes"):
        return most or 1, ""
    model = job.config.model["name"]
    if launcher == "auto" and machine.device == "cpu" and find("model", model).facts.get("convolutional"):
        return 1, "convolutions gain nothing from it on a CPU"
    own = size(job)
    if own is None:
        return TOGETHER[machine.device], ""
    if launcher == "auto" and machine.device == "cpu" and own.work >= LARGE:
        return 1, "nets as large gain nothing from it on a CPU"
    fit = machine.memory // 2 // (4 * COPIES * max(own.n_params, 1))
    return max(1, min(TOGETHER[machine.device], fit)), "" if fit > 1 else "two do not fit into memory"
