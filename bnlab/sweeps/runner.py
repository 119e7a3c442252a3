"""Trains one job at a time in this process, and leaves its folder as `runs.schema` describes it."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from bnlab.config import assembly, build
from bnlab.config.identity import axes
from bnlab.config.source import source
from bnlab.data.tensors import TensorData
from bnlab.errors import BadInput, Refused
from bnlab.models.describe import multiply_adds, site_rows
from bnlab.runs.lock import lock
from bnlab.runs.schema import METRICS
from bnlab.runs.writer import RunWriter
from bnlab.sweeps.job import Job
from bnlab.sweeps.provenance import device_name, git_commit, versions
from bnlab.training import checkpoint
from bnlab.training.loop import Outcome

Progress = Callable[[int, int, float, float | None], None]


ALL_THREADS = torch.get_num_threads()
SMALL = 200_000_000  # multiply-adds a batch below which threads cost more than they give, most of all on a busy machine


class FolderRecorder:
    """Writes a run's rows and checkpoints into its folder, and passes progress on."""

    def __init__(self, writer: RunWriter, progress: Progress) -> None:
        self._writer = writer
        self.append = writer.append
        self.progress = progress

    def checkpoint(self, payload: dict[str, Any]) -> None:
        checkpoint.save(checkpoint_path(self._writer.folder), payload | {"lengths": self._writer.lengths()})


def checkpoint_path(folder: Path) -> Path:
    """Where a run's checkpoint lies."""
    return folder / "checkpoint.pt"


class Runner:
    """Trains jobs one after another; the data of the last one stay in memory for the next."""

    def __init__(self) -> None:
        self._data: tuple[str, TensorData] | None = None

    def run(self, job: Job, progress: Progress, note: Callable[[str], None]) -> dict[str, Any]:
        """Train a job, or go on with it where it was interrupted; returns what run.json then says.

        A fault of the program marks the run `failed` with its traceback and is not raised again.

        Args:
            progress: told (updates done, updates in all, loss, validation accuracy).
            note: told a line about what the user should know.

        Raises:
            Busy: another process is at it; nothing is written.
            Refused: the combination cannot work; nothing is written.
            BadInput: the data or the device cannot be used; nothing is written.
        """
        data = self._tensors(job)
        assembly.length(job.config, data)  # refused before anything is written
        net, shapes = build.model(job.config, data)
        size = multiply_adds(net, data.common.batch_size)
        torch.set_num_threads(job.config.run["threads"] or (1 if size < SMALL else ALL_THREADS))
        with lock(job.folder), RunWriter(job.folder) as writer:
            if job.finished():  # by another process, since the sweep began
                return job.read()
            resumed = self._resume(job, writer, note)
            begun = resumed is not None
            try:
                loop = assembly.serial(job.config, data, net, FolderRecorder(writer, progress), resumed)
                if not begun:
                    self._begin(job, writer, data)
                    writer.append("sites", site_rows(net, shapes))
                    begun = True
                n_params = sum(p.numel() for p in net.parameters())
                writer.update(n_params=n_params, execution={"executor": "serial"})
                (outcome,) = loop.run()
            except Exception as error:
                if not begun:
                    if isinstance(error, BadInput):
                        raise
                    self._begin(job, writer, data)
                writer.update(status="failed", cause=_one_line(error), traceback=traceback.format_exc())
                writer.log(f"failed: {_one_line(error)}")
            else:
                writer.update(**_ending(outcome))
                writer.log("complete" if outcome.diverged_at is None else f"diverged at step {outcome.diverged_at}")
        return job.read()

    def refuse(self, job: Job, reason: Refused) -> dict[str, Any]:
        """Leave a folder that says why this job cannot be trained."""
        with lock(job.folder), RunWriter(job.folder) as writer:
            writer.create(self._yaml(job), self._info(job))
            writer.update(status="refused", cause=str(reason))
        return job.read()

    def _begin(self, job: Job, writer: RunWriter, data: TensorData) -> None:
        writer.create(self._yaml(job), self._info(job) | {"classes": data.classes})
        writer.log(f"begun: {job.command}")

    def _tensors(self, job: Job) -> TensorData:
        run = job.config.run
        key = repr((sorted(job.config.data.items()), run["precision"], run["device"]))
        if self._data is None or self._data[0] != key:
            self._data = None  # two large data sets need not fit at once
            self._data = (key, build.tensors(job.config, source(job.config)))
        return self._data[1]

    def _resume(self, job: Job, writer: RunWriter, note: Callable[[str], None]) -> dict[str, Any] | None:
        """The checkpoint to go on from, the tables cut to it; null to begin anew."""
        info = job.info()
        if info is None or info["status"] != "running" or job.config.run["rerun"]:
            return None
        payload = checkpoint.load(checkpoint_path(job.folder))
        if payload is None:
            note(f"{job.run_id} was interrupted before a usable checkpoint: it begins anew")
            return None
        try:
            writer.truncate(payload["lengths"])
        except BadInput as error:
            note(f"{error}; it begins anew")
            return None
        note(f"{job.run_id} was interrupted: it goes on from step {payload['step']}")
        writer.log(f"gone on with from step {payload['step']}")
        return payload

    def _yaml(self, job: Job) -> str:
        return OmegaConf.to_yaml(OmegaConf.create(job.values))

    def _info(self, job: Job) -> dict[str, Any]:
        return {
            "run_id": job.run_id,
            "versions": versions(),
            "git": git_commit(),
            "device": device_name(build.device(job.config).type),
            "axes": axes(job.config),
            "command": job.command,
        }


def _ending(outcome: Outcome) -> dict[str, Any]:
    diverged = outcome.diverged_at is not None
    return {
        "status": "diverged" if diverged else "complete",
        "cause": f"the loss left all bounds at step {outcome.diverged_at}" if diverged else None,
        "diverged_at": outcome.diverged_at,
        "seconds": outcome.seconds,
        "metrics": {name: outcome.metrics.get(name) for name in METRICS},
    }


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
