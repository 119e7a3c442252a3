"""rerun=true: which runs of a study a launch must still train again, also after an interruption.

`.rerun.json` in the study's folder names the runs, each with the modification time of its run.json when the rerun was
requested (null if it had none). A run whose run.json has another time has started or ended since; clocks are not
compared.
"""

import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, read_json
from bnlab.runs.info import RUN_ID, read_info

NAME = ".rerun.json"


def is_new(folder: Path) -> bool:
    """Return whether a run has started since the rerun of its study was requested."""
    noted, changed = _noted(folder.parent), _changed(folder / "run.json")
    return folder.name in noted and changed is not None and changed != noted[folder.name]


def begin(study: Path, run_ids: Collection[str]) -> None:
    """Record that these runs are to be trained again, unless an interrupted launch recorded it and is not done."""
    check_own(study / NAME)
    if not set(run_ids) <= _noted(study).keys() or _are_done(study, run_ids):
        note = {run_id: _changed(study / run_id / "run.json") for run_id in sorted(run_ids)}
        write_atomic(study / NAME, json.dumps(note))


def end(study: Path) -> None:
    """Remove the record once all its runs have been trained again."""
    if (noted := _noted(study)) and _are_done(study, noted):
        check_own(study / NAME)
        (study / NAME).unlink()


def _noted(study: Path) -> Mapping[str, int | None]:
    changed = _changed(study / NAME)
    return {} if changed is None else _read(study, changed)


@lru_cache(maxsize=4)  # called for each of thousands of runs
def _read(study: Path, changed: int) -> Mapping[str, int | None]:  # noqa: ARG001 - a cache key: content changes with it
    try:
        found = read_json(study / NAME)
    except (FileNotFoundError, Unreadable):
        return {}
    if not isinstance(found, dict) or not all(map(RUN_ID.fullmatch, found)):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, int | None)}


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _are_done(study: Path, run_ids: Collection[str]) -> bool:
    return all(_is_done(study / run_id) for run_id in run_ids)


def _is_done(folder: Path) -> bool:
    try:
        return is_new(folder) and read_info(folder)["status"] != "running"
    except Unreadable:
        return False
