"""Resuming a pack from its last checkpoint."""

from typing import Any

from bnlab.errors import BadInput
from bnlab.runs.files import Foreign, Unreadable
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.executors.base import View
from bnlab.sweeps.running.folder import Folder
from bnlab.training import checkpoint


def resume(pack: Pack, mine: dict[str, Folder], updates: int, view: View) -> list[dict[str, Any]] | None:
    """Return the checkpoints to resume from, with the tables truncated to them; None to start from the beginning.

    Args:
        updates: total number of updates of each run.
    """
    if not any(folder.job.started() for folder in mine.values()):
        return None
    name = pack.label
    if len(mine) < len(pack.jobs):
        name = f"{len(mine)} of {name}"
    run_ids = [job.run_id for job in pack.jobs]
    if len(run_ids) > 1:
        payloads = checkpoint.load_pack(pack.checkpoint, run_ids)
    else:
        payloads = [alone] if (alone := checkpoint.load(pack.checkpoint)) is not None else None
    if payloads is None or not all(checkpoint.is_whole(payload, updates) for payload in payloads):
        view.note(f"{name} was interrupted and has no usable checkpoint: it restarts from the beginning")
        return None
    try:
        for run_id, payload in zip(run_ids, payloads, strict=True):
            if run_id in mine:
                _note_damage(mine[run_id].job, view)
                mine[run_id].go_on(payload)
    except Foreign:
        raise
    except BadInput as error:
        view.note(f"{error}; it restarts from the beginning")
        return None
    view.note(f"{name} was interrupted: it resumes from step {payloads[0]['step']}")
    return payloads


def _note_damage(job: Job, view: View) -> None:
    try:
        job.read()
    except Unreadable as error:
        view.note(f"{str(error).partition(';')[0]}: it is rewritten from the checkpoint")
