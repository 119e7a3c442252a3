"""Recorders of a pack's replicas: rows go to each run's folder, checkpoints to one file."""

from typing import Any

from bnlab.runs.files import check_own
from bnlab.runs.lock import ensure_held
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.executors.base import View
from bnlab.sweeps.running.folder import Folder
from bnlab.training import checkpoint
from bnlab.training.recorder import Recorder, Row


class Keeper:
    """Checkpoint and progress of a pack, shared by its replicas.

    Args:
        runs: number of unfinished runs.
    """

    def __init__(self, pack: Pack, runs: int, view: View) -> None:
        self._pack, self._runs, self._view = pack, runs, view
        self._parts: dict[str, checkpoint.Payload] = {}
        self._told = -1

    def take(self, run_id: str, payload: checkpoint.Payload) -> None:
        """Add a replica's part of a checkpoint; the last part completes it, and the file is replaced."""
        if len(self._parts) == len(self._pack.jobs):
            self._parts = {}
        self._parts[run_id] = payload
        if len(self._parts) == len(self._pack.jobs):
            if len(self._parts) == 1:  # the run's folder may have been moved and linked since its start
                check_own(self._pack.checkpoint.parent, folder=True)
            checkpoint.save(self._pack.checkpoint, payload if len(self._parts) == 1 else self._parts)

    def part(self, run_id: str) -> checkpoint.Payload:
        """Return a run's part of the last checkpoint."""
        return self._parts[run_id]

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        """Pass on the progress of the first replica at a step."""
        if step != self._told:
            self._told = step
            self._view.progress(step, total, loss, accuracy, self._pack.id, self._runs)


class FolderRecorder:
    """Recorder of one replica."""

    def __init__(self, folder: Folder, keeper: Keeper) -> None:
        self._folder, self._keeper = folder, keeper
        self.append = folder.append
        self.keep = folder.keep
        self.progress = keeper.progress

    def checkpoint(self, payload: dict[str, Any]) -> None:
        ensure_held(self._folder.folder)
        self._keeper.take(
            self._folder.job.run_id, payload | {"lengths": self._folder.lengths(), "sums": self._folder.sums()}
        )


class _Nowhere:
    def append(self, table: str, rows: list[Row]) -> None:
        pass

    def keep(self, name: str, arrays: dict[str, Any]) -> None:
        pass

    def checkpoint(self, payload: dict[str, Any]) -> None:
        pass

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        pass


NOWHERE: Recorder = _Nowhere()  # for a run that is only timed
