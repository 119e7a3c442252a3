"""What `bnlab plan` says about launcher=slurm: the workers, and the longest run against the time limit."""

from collections.abc import Sequence

from bnlab.config.slurm import seconds
from bnlab.config.validate import Config
from bnlab.runs.duration import spoken
from bnlab.sweeps.cluster.number import number
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import START, Choice


def choice(jobs: Sequence[Job]) -> Choice:
    """Return how Slurm's workers train waiting jobs; each forms packs by its own machine, which is unknown here."""
    workers, time = number(jobs), jobs[0].config.sweep["time"]
    limit = "the partition's default limit" if time is None else f"at most {spoken(seconds(time))}"
    size = jobs[0].config.sweep["pack_size"] or 1
    return Choice(
        workers,
        lambda _: size,
        f"launcher=slurm: 1 array of {workers} {'worker' if workers == 1 else 'workers'}, {limit} each; a worker "
        "packs and divides runs by its own cores and GPUs",
    )


def against_limit(config: Config, longest: float | None) -> str:
    """Return a line on the longest run and the time limit.

    Args:
        longest: seconds of the longest run; None if unknown.
    """
    time = config.sweep["time"]
    if longest is None:
        return "longest run: unknown"
    said = f"longest run: about {spoken(longest)}"
    if time is None:
        return said
    limit = seconds(time)
    if longest + START <= limit:
        return f"{said}, within the limit of {spoken(limit)}"
    jobs = int(longest / max(limit - START, 1.0)) + 1
    return (
        f"{said}, longer than the limit of {spoken(limit)}: it is queued again at the limit and resumes from its "
        f"checkpoint, about {jobs} jobs one after another"
    )
