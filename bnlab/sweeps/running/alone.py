"""One run, asked for by itself."""

from bnlab.errors import BadInput
from bnlab.runs.lock import Busy
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import asked
from bnlab.sweeps.packing.packs import Grouping, Packs
from bnlab.sweeps.running.executors.base import View
from bnlab.sweeps.running.runner import Runner


def train(job: Job, view: View) -> None:
    """Train a job in this process, or go on with it; out of a pack that was begun it takes its part.

    Raises:
        Busy: another process is at it.
        BadInput: it cannot work, or its data cannot be used.
        OSError: nothing can be written any more.
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
