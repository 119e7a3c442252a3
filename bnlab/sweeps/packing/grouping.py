"""Rules for putting runs into packs, and the packs that they give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.pack import Pack


@dataclass(frozen=True)
class Grouping:
    """Rules for putting runs into packs.

    Attributes:
        size: returns the largest pack size for runs like a job.
        threads: returns the number of threads for such a pack.
        asked: the options that led to the rules; a pack that has not started is kept while they are unchanged.
    """

    size: Callable[[Job], int]
    threads: Callable[[Job], int]
    asked: Mapping[str, Any]


def grouped(jobs: Sequence[Job], grouping: Grouping) -> list[Pack]:
    """Return packs of similar size of runs that can be trained together, in the order of their first runs."""
    by_group: dict[str, list[Job]] = {}
    for job in jobs:
        by_group.setdefault(f"{job.study} {job.group_key}", []).append(job)
    packs = []
    for alike in by_group.values():
        size, threads = grouping.size(alike[0]), grouping.threads(alike[0])
        number = -(-len(alike) // size)
        bounds = [len(alike) * n // number for n in range(number + 1)]
        packs += [Pack(tuple(alike[a:b]), threads) for a, b in pairwise(bounds)]
    return packs
