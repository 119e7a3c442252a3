"""Training of a single run."""

from bnlab.errors import BadInput
from bnlab.runs.lock import Busy
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import asked
from bnlab.sweeps.packing.grouping import Grouping
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.running.executors.base import View
from bnlab.sweeps.running.runner import Runner


def train(job: Job, view: View) -> None:
    """Train or resume a job in this process; take it out of its pack if that has started.

    Raises:
        Busy: another process trains it.
        BadInput: it cannot work, or its data cannot be used.
        OSError: nothing more can be written.
    """
    runner = Runner()
    options = {**asked(job), "threads": job.config.run["threads"]}
    grouping = Grouping(lambda _: 1, lambda job: runner.builder.threads(job, 1), options)
    packs = Packs(job.study)
    try:
        formed = packs.form([job], {job.run_id: job}, grouping, view.note)
        if not formed:
            raise Busy(f"{job.folder} is being trained by another process together with other runs")
        runner.train(formed[0], view)
    except BadInput:
        packs.forget(job)
        raise
    finally:
        runner.close()
