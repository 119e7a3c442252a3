"""rerun=true: which runs of a study a launch has still to train again, also after an interruption.

`.rerun.json` in the study's folder names the runs. A run whose run.json is newer has been begun, or has ended, since.
Both times are those of one file system, so that no clocks are compared.
"""

import json
from collections.abc import Collection
from pathlib import Path

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, read_json
from bnlab.runs.info import read_info

NAME = ".rerun.json"


def is_new(folder: Path) -> bool:
    """Return whether a run was begun since its study was asked to be trained again."""
    try:
        return (folder / "run.json").stat().st_mtime_ns > (folder.parent / NAME).stat().st_mtime_ns
    except OSError:
        return False


def begin(study: Path, run_ids: Collection[str]) -> None:
    """Take note that these runs are to be trained again, unless an interrupted launch has already and is not done."""
    check_own(study / NAME)
    if not set(run_ids) <= _noted(study) or _are_done(study, run_ids):
        write_atomic(study / NAME, json.dumps(sorted(run_ids)))


def end(study: Path) -> None:
    """Remove the note once every run that it names has been trained again."""
    if (study / NAME).exists() and _are_done(study, _noted(study)):
        (study / NAME).unlink()


def _noted(study: Path) -> set[str]:
    try:
        found = read_json(study / NAME)
    except (FileNotFoundError, Unreadable):
        return set()
    return {name for name in found if isinstance(name, str)} if isinstance(found, list) else set()


def _are_done(study: Path, run_ids: Collection[str]) -> bool:
    return all(_is_done(study / run_id) for run_id in run_ids)


def _is_done(folder: Path) -> bool:
    try:
        return is_new(folder) and read_info(folder)["status"] != "running"
    except Unreadable:
        return False
