"""One run as a sweep sees it before anything is trained: its config, its identity and its folder."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnlab.config.compose import Composed
from bnlab.config.identity import run_id
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.errors import BadInput
from bnlab.runs.info import Unreadable, read_info
from bnlab.runs.schema import FINISHED

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Job:
    """A validated run with its place on disk."""

    config: Config
    composed: Composed
    run_id: str
    command: str

    @property
    def study(self) -> Path:
        """The folder of the study."""
        return Path(self.config.run["output_dir"]) / self.config.study

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.study / self.run_id

    def make_study(self) -> None:
        """Make the study's folder.

        Raises:
            BadInput: that is not allowed there.
        """
        try:
            self.study.mkdir(parents=True, exist_ok=True)
            if not os.access(self.study, os.W_OK):
                raise PermissionError(None, "no permission to write there")
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadInput(f"{self.study} cannot be written ({reason}): set output_dir to a folder of yours") from None

    def read(self) -> dict[str, Any]:
        """What run.json says of a run that has been begun."""
        return read_info(self.folder)

    def info(self) -> dict[str, Any] | None:
        """What run.json says; null where there is no readable one."""
        try:
            return read_info(self.folder)
        except Unreadable:
            return None

    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        info = self.info()
        return info is not None and info["status"] in FINISHED and not self.config.run["rerun"]

    @property
    def diagnostics(self) -> dict[str, list[str | int]]:
        """The diagnostics asked for, and when."""
        return {name: options["when"] for name, options in self.config.diagnostics.items()}

    def lacking(self, info: Mapping[str, Any]) -> list[str]:
        """The diagnostics that are asked for and that the run was trained without, or with at other moments."""
        had = info["diagnostics"]
        return [] if had is None else [name for name, when in self.diagnostics.items() if had.get(name) != when]

    def begun(self) -> bool:
        """Whether it was interrupted; without a readable run.json its checkpoint tells."""
        info = self.info()
        return (self.folder / CHECKPOINT).exists() if info is None else info["status"] == "running"


class Jobs:
    """Turns composed configs into jobs; each distinct data set is fingerprinted once."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = list(options)  # --config-dir and the like, for the command that repeats a run
        self._fingerprints: dict[str, str] = {}

    def job(self, composed: Composed, overrides: Sequence[str]) -> Job:
        """The job of one composed config.

        Raises:
            BadInput: an option is wrong, or the data cannot be found.
        """
        config = validate(composed)
        command = shlex.join(["bnlab", "train", *self._options, *overrides])
        return Job(config, composed, run_id(config, self._fingerprint(config), _origin(config)), command)

    def _fingerprint(self, config: Config) -> str:
        key = repr(sorted(config.data.items()))
        if key not in self._fingerprints:
            self._fingerprints[key] = source(config).fingerprint()
        return self._fingerprints[key]


def _origin(config: Config) -> str | None:
    """The run_id of the run that `init_from` names.

    Raises:
        BadInput: it is no folder of a run with a checkpoint.
    """
    if config.run["init_from"] is None:
        return None
    folder = Path(config.run["init_from"])
    if not (folder / "checkpoint.pt").is_file():
        raise BadInput(f"init_from={folder} holds no checkpoint.pt: name a run's folder, outputs/<study>/<run id>")
    return str(read_info(folder)["run_id"])
