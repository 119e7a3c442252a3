"""A run before training: its config, its identity and its folder."""

import errno
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bnlab.config import words
from bnlab.config.compose import Composed
from bnlab.config.identity import run_id
from bnlab.config.overrides import key_of
from bnlab.config.schema import FREE
from bnlab.config.slurm import SLURM
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.errors import BadInput
from bnlab.runs.files import ARCHIVE, Foreign, Unreadable, check_own, checksum, is_regular, is_there, read_bytes
from bnlab.runs.index import LOCK as INDEX_LOCK
from bnlab.runs.index import NAME as INDEX
from bnlab.runs.info import read_info
from bnlab.runs.lock_holder import NAME as LOCK
from bnlab.runs.packing import NAME as PACKS
from bnlab.runs.packing import checkpoint_path, read_packing
from bnlab.runs.schema import CHECKPOINT, FINISHED
from bnlab.runs.writer import check_folder
from bnlab.sweeps import rerun

SHARED = (LOCK, INDEX_LOCK, PACKS, rerun.NAME)


@dataclass(frozen=True)
class Job:
    """A validated run and its folder on disk."""

    config: Config
    composed: Composed
    run_id: str
    command: str

    # Cached: costly, and read many times for each of thousands of jobs.
    @cached_property
    def study(self) -> Path:
        """Folder of the study."""
        return Path(self.config.run["output_dir"]) / self.config.study

    @cached_property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.study / self.run_id

    @cached_property
    def group_key(self) -> str:
        """Key shared by runs that can be trained together: all options but the seed and `schema.FREE`."""
        config = dict(vars(self.config))
        config["run"] = {key: value for key, value in config["run"].items() if key != "seed"}
        config["optim"] = {key: value for key, value in config["optim"].items() if key not in FREE}
        return json.dumps(config, sort_keys=True)

    @cached_property
    def alike(self) -> str:
        """Hash of `group_key`, which packs.json keeps."""
        return blake2b(self.group_key.encode(), digest_size=6).hexdigest()

    def make_study(self) -> None:
        """Create the study's folder, and check that bnlab may write the files that its runs share.

        Raises:
            BadInput: it may not.
        """
        try:
            self.study.mkdir(parents=True, exist_ok=True)
            if not os.access(self.study, os.W_OK | os.X_OK):
                raise PermissionError(None, "no permission to write there")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = error.strerror or str(error)
            raise BadInput(f"{self.study} cannot be written ({reason}): set output_dir to a folder of yours") from None
        for name in SHARED:
            check_own(self.study / name)
        if not (index := self.study / INDEX).is_symlink():  # a link is replaced, not its target
            check_own(index)

    def obstacle(self) -> str | None:
        """Return why the run cannot be trained in its folder; None if it can.

        A missing or incomplete run.json is no obstacle if a checkpoint has the same information.
        """
        if not os.path.lexists(self.folder):
            return None
        try:
            check_folder(self.folder)
            info = read_info(self.folder)
            if info["run_id"] != self.run_id:
                return f"{self.folder / 'run.json'} names run {info['run_id']}; move the folder away to train this run"
        except Foreign as error:
            return str(error)
        except Unreadable as error:
            lost = error.blank and (not os.path.lexists(self.folder / "run.json") or self._has_checkpoint())
            return None if lost else f"{str(error).partition(';')[0]}; move the folder away to train the run again"
        return None

    def read(self) -> dict[str, Any]:
        """Return the content of run.json of a run that has started."""
        return read_info(self.folder)

    def info(self) -> dict[str, Any] | None:
        """Return the content of run.json; None if it is unreadable, of another run, or from before a rerun."""
        try:
            info = read_info(self.folder)
        except Unreadable:
            return None
        if info["run_id"] != self.run_id:
            return None
        return None if self.config.run["rerun"] and not rerun.is_new(self.folder) else info

    def finished(self) -> bool:
        """Return whether the run has nothing left to train."""
        info = self.info()
        return info is not None and info["status"] in FINISHED

    @property
    def diagnostics(self) -> dict[str, list[str | int]]:
        """Requested diagnostics, each with its moments."""
        return {name: options["when"] for name, options in self.config.diagnostics.items()}

    def lacking(self, info: Mapping[str, Any]) -> list[str]:
        """Return the requested diagnostics that the run was trained without, or at other moments."""
        had = info["diagnostics"]
        return [] if had is None else [name for name, when in self.diagnostics.items() if had.get(name) != when]

    def started(self) -> bool:
        """Return whether the run was interrupted; without a readable run.json, its checkpoint decides."""
        info = self.info()
        if info is None:
            return not self.config.run["rerun"] and is_regular(self.folder / CHECKPOINT)
        return info["status"] == "running"

    def _has_checkpoint(self) -> bool:
        if is_regular(self.folder / CHECKPOINT):
            return True
        try:
            packs = read_packing(self.study).packs
        except Unreadable:
            return False
        mine = [list(record.runs) for record in packs if self.run_id in record.runs]
        return any(is_regular(checkpoint_path(self.study, run_ids)) for run_ids in mine)


class Jobs:
    """Factory of jobs from composed configs; each distinct data set is fingerprinted once.

    Args:
        options: --config-dir and similar options, for the command that repeats a run.
        without_data: give missing data a placeholder as fingerprint, and add a line to `notes`.

    Attributes:
        notes: lines for the user about the data: what was read, and what was skipped.
    """

    def __init__(self, options: Sequence[str] = (), *, without_data: bool = False) -> None:
        self._options = list(options)
        self._without_data = without_data
        self._fingerprints: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self.notes: list[str] = []

    def job(self, composed: Composed, overrides: Sequence[str]) -> Job:
        """Return the job of a composed config.

        Raises:
            BadInput: an option is wrong, or the data cannot be found.
        """
        config = validate(composed)
        if (place := config.run["init_from"]) is not None:
            if place not in self._origins:
                self._origins[place] = _origin(Path(place))
            config = replace(config, origin=self._origins[place])
        if config.run["launcher"] in ("none", "slurm"):  # says how workers are started, not how one trains
            submission = ("launcher", "sweep.workers", *SLURM)
            overrides = [word for word in overrides if key_of(word) not in submission]
        command = shlex.join(["bnlab", "train", *self._options, *map(words.shown, overrides)])
        return Job(config, composed, run_id(config, self._fingerprint(config)), command)

    def _fingerprint(self, config: Config) -> str:
        key = repr(sorted(config.data.items()))
        if key not in self._fingerprints:
            try:
                data = source(config)
                self._fingerprints[key] = data.fingerprint()
                self.notes += data.notes()
            except BadInput as error:
                if not self._without_data:
                    raise
                self._fingerprints[key] = "unknown"
                self.notes.append(f"finished runs are not recognized without their data: {error}")
        return self._fingerprints[key]


def _origin(folder: Path) -> str:
    """Return the id of the run that `init_from` names and a checksum: of its weights if known, else of the checkpoint.

    Raises:
        BadInput: it is not the folder of a complete run with a checkpoint.
    """
    if is_regular(folder):
        raise BadInput(f"init_from={folder} is a file: name its run's folder, {folder.parent}")
    try:
        info = read_info(folder)
    except Unreadable as error:
        if not is_there(folder / "run.json"):
            where = f"init_from={folder} {'holds no run.json' if is_there(folder) else 'does not exist'}"
            raise BadInput(f"{where}: name a run's folder, outputs/<study>/<run id>") from None
        raise BadInput(f"init_from={folder}: {str(error).partition(';')[0]}; name another run's folder") from None
    if info["status"] != "complete":
        state = "unfinished" if info["status"] == "running" else info["status"]
        way = f": finish it first, with {info['command']}" if info["status"] == "running" and info["command"] else ""
        raise BadInput(f"init_from={folder}: that run is {state}{way or ', name a complete one'}")
    if not is_regular(folder / CHECKPOINT):
        raise BadInput(f"init_from={folder} holds no {CHECKPOINT}: name another run, or train it again")
    weights = (info["checksums"] or {}).get("weights")
    if weights is None:  # from an older bnlab: use the file's own checksum
        weights = f"file-{checksum(read_bytes(folder / CHECKPOINT, ARCHIVE)).hexdigest()}"
    return f"{info['run_id']}:{weights}"
