"""A pack: runs that are trained together, update by update, as replicas of one net. One run alone is a pack too."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from bnlab.config.compose import Composed
from bnlab.config.schema import FREE
from bnlab.config.validate import validate
from bnlab.registry import add_plugin
from bnlab.runs.atomic import write_atomic
from bnlab.sweeps.job import CHECKPOINT, Job


def kin(job: Job) -> str:
    """What runs must have in common to be trained together: everything but the seed and `FREE`."""
    config = dict(vars(job.config))
    config["run"] = {key: value for key, value in config["run"].items() if key != "seed"}
    config["optim"] = {key: value for key, value in config["optim"].items() if key not in FREE}
    return json.dumps(config, sort_keys=True)


def pack_id(run_ids: Sequence[str]) -> str:
    """Twelve hexadecimal digits of the runs in their order."""
    return blake2b(" ".join(run_ids).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Pack:
    """Runs of one study in the order in which they are stacked.

    Attributes:
        threads: of torch on the CPU; it can change the last bits, and so belongs to the pack.
    """

    jobs: tuple[Job, ...]
    threads: int

    @property
    def id(self) -> str:
        return pack_id([job.run_id for job in self.jobs])

    @property
    def executor(self) -> str:
        """How it is trained: `serial` for one run alone, `fused` for several."""
        return "serial" if len(self.jobs) == 1 else "fused"

    @property
    def study(self) -> Path:
        return self.jobs[0].study

    @property
    def checkpoint(self) -> Path:
        """Where its checkpoint lies while it trains: a run's own, or one file for all of them."""
        return checkpoint_path(self.study, [job.run_id for job in self.jobs])

    def write(self, path: Path) -> None:
        """Write down all that another process must know to train it."""
        runs = [{"values": job.composed.values, "choices": job.composed.choices, "run_id": job.run_id,
                 "command": job.command} for job in self.jobs]  # fmt: skip
        write_atomic(path, json.dumps({"threads": self.threads, "runs": runs}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The pack that a file describes."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(_job(run) for run in content["runs"]), content["threads"])


def checkpoint_path(study: Path, run_ids: Sequence[str]) -> Path:
    """Where the checkpoint of a pack of these runs lies."""
    return study / run_ids[0] / CHECKPOINT if len(run_ids) == 1 else study / f"pack_{pack_id(run_ids)}.pt"


def _job(run: dict[str, Any]) -> Job:
    composed = Composed(run["values"], run["choices"])
    for plugin in composed.values["plugins"]:
        add_plugin(Path(plugin))
    return Job(validate(composed), composed, run["run_id"], run["command"])
