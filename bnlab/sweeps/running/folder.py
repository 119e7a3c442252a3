"""A run's folder from start to end of training."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from bnlab.config import build
from bnlab.config.identity import axes
from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import ARCHIVE, Unreadable, check_own, checksum, read_bytes, read_text
from bnlab.runs.info import write_info
from bnlab.runs.schema import CHECKPOINT, METRICS, VERSION
from bnlab.runs.writer import RunWriter, check_folder
from bnlab.sweeps.job import Job
from bnlab.sweeps.running.provenance import device_name, git_commit, versions
from bnlab.training import checkpoint
from bnlab.training.loop import Outcome

Rows = list[dict[str, Any]]


class Folder(RunWriter):
    """Writer of one run's folder as `runs.schema` describes it.

    Attributes:
        facts: content of its run.json that its config does not determine.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job.folder)
        self.job = job
        self.facts: dict[str, Any] = {}

    def begin(self, sites: Rows) -> None:
        """Start the run from the beginning."""
        self.create(self._yaml(), self._facts())
        self.log(f"started: {self.job.command}")
        self.append("sites", sites)

    def go_on(self, payload: Mapping[str, Any]) -> None:
        """Truncate the tables to a checkpoint; rewrite a config.yaml or run.json that was lost.

        Raises:
            BadInput: a table is shorter than that, or its content has changed.
        """
        check_folder(self.folder)
        self.truncate(payload["lengths"], payload.get("sums"))  # an older bnlab stored no checksums
        self.clear_leftovers()
        path, yaml = self.folder / "config.yaml", self._yaml()
        try:
            before = read_text(path)
        except (FileNotFoundError, Unreadable):
            before = ""
        if before != yaml:
            write_atomic(path, yaml)
        info = self.job.info()
        if info is None:
            info = self._facts() | {"metrics": {}, "status": "running", "schema": VERSION}
        asked = self.job.diagnostics
        taken = {name: when for name, when in (info["diagnostics"] or {}).items() if asked.get(name) == when}
        write_info(self.folder, info | self.facts | {"diagnostics": taken})  # only those taken from start to end
        self.log(f"resumed from step {payload['step']}")

    def end(self, outcome: Outcome, payload: checkpoint.Payload, *, packed: bool) -> None:
        """Record how the run ended.

        Args:
            payload: its part of its pack's last checkpoint.
            packed: whether to save that as its own; a single run already has it. A diverged run keeps none, because
                there is nothing to resume.
        """
        path = self.folder / CHECKPOINT
        diverged = outcome.diverged_at is not None
        check_own(self.folder, folder=True)
        sums = self.sums()
        if diverged:
            path.unlink(missing_ok=True)
        else:
            sums["weights"] = checkpoint.digest(payload)
        if packed and not diverged:
            kept = build.optimizer([self.job.config]).slot_names
            slots = {name: values for name, values in payload["slots"].items() if name in kept}
            checkpoint.save(path, {**payload, "slots": slots})
        if not diverged:
            sums["checkpoint"] = checksum(read_bytes(path, ARCHIVE)).hexdigest()
        sums["config"] = checksum(self._yaml().encode()).hexdigest()
        self.update(
            status="diverged" if diverged else "complete",
            cause=f"the loss left all bounds at step {outcome.diverged_at}" if diverged else None,
            diverged_at=outcome.diverged_at,
            seconds=outcome.seconds,
            cost=outcome.cost,
            metrics={name: outcome.metrics.get(name) for name in METRICS},
            checksums=sums,
        )
        self.log(f"diverged at step {outcome.diverged_at}" if diverged else "complete")

    def stop(self, status: str, cause: str, traceback: str | None = None) -> None:
        """Mark the run `failed` or `refused`; what it has written since its start is kept."""
        info = self.job.info()
        if info is None or info["status"] != "running":
            self.create(self._yaml(), self._facts())
        self.update(status=status, cause=cause, traceback=traceback)
        self.log(f"{status}: {cause}")

    def _yaml(self) -> str:
        return OmegaConf.to_yaml(OmegaConf.create(self.job.composed.values))

    def _facts(self) -> dict[str, Any]:
        return {
            "run_id": self.job.run_id,
            "versions": versions(),
            "git": git_commit(),
            "device": device_name(build.device(self.job.config).type),
            "axes": axes(self.job.config),
            "diagnostics": self.job.diagnostics,
            "command": self.job.command,
            **self.facts,
        }
