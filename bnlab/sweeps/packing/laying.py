"""Lay out runs for workers: packs.json lists them, and nothing is trained."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.grouping import Grouping
from bnlab.sweeps.packing.packs import Packs


def lay_out(study: Path, waiting: Sequence[Job], jobs: Iterable[Job], note: Callable[[str], None]) -> None:
    """Write waiting runs of a study into its packs.json, each alone; workers form packs.

    Args:
        jobs: all jobs of the sweep, of any study.
        note: receives lines for the user.
    """
    alone = Grouping(lambda _: 1, lambda _: 1, {"launcher": "none"})
    Packs(study).form(waiting, {job.run_id: job for job in jobs if job.study == study}, alone, note)
