"""A pack: runs that are trained together, update by update, as replicas of one net. A single run is a pack too."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from bnlab.config.compose import Composed
from bnlab.config.validate import validate
from bnlab.registry import add_plugin
from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import read_json
from bnlab.runs.packing import checkpoint_path, pack_id
from bnlab.sweeps.job import Job


@dataclass(frozen=True)
class Pack:
    """Runs of one study in the order in which they are stacked.

    Attributes:
        threads: of torch on the CPU; part of the pack because it can change the last bits.
    """

    jobs: tuple[Job, ...]
    threads: int

    @property
    def id(self) -> str:
        return pack_id([job.run_id for job in self.jobs])

    @property
    def label(self) -> str:
        """Name of the pack in messages."""
        return self.jobs[0].run_id if len(self.jobs) == 1 else f"pack {self.id} of {len(self.jobs)} runs"

    @property
    def executor(self) -> str:
        """`serial` for a single run, `parallel` if several processes share it, `fused` for several runs."""
        if len(self.jobs) > 1:
            return "fused"
        return "serial" if self.jobs[0].config.run["processes"] == 1 else "parallel"

    @property
    def study(self) -> Path:
        return self.jobs[0].study

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint during training: a single run's own, or one file for all runs."""
        return checkpoint_path(self.study, [job.run_id for job in self.jobs])

    def write(self, path: Path) -> None:
        """Write all that another process needs to train the pack."""
        runs = [{"values": job.composed.values, "choices": job.composed.choices, "run_id": job.run_id,
                 "command": job.command, "origin": job.config.origin} for job in self.jobs]  # fmt: skip
        write_atomic(path, json.dumps({"threads": self.threads, "runs": runs}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the pack that a file describes."""
        content = read_json(path)
        return cls(tuple(_job(run) for run in content["runs"]), content["threads"])


def _job(run: dict[str, Any]) -> Job:
    composed = Composed(run["values"], run["choices"])
    for plugin in composed.values["plugins"]:
        add_plugin(Path(plugin))
    return Job(replace(validate(composed), origin=run["origin"]), composed, run["run_id"], run["command"])
