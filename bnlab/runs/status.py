"""State of a study, read from its folder while other processes train its runs."""

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from bnlab.errors import BadInput
from bnlab.runs.files import TABLE, Unreadable, is_regular, is_there, reading
from bnlab.runs.info import read_info, run_folders
from bnlab.runs.lock_holder import NAME, LockHolder, lock_holder, marked
from bnlab.runs.packing import planned
from bnlab.runs.schema import COLUMNS
from bnlab.text import printable

# interrupted: started, but no process is training it. waiting: in the sweep's packs.json, but not started.
STATES = ("complete", "diverged", "refused", "failed", "running", "interrupted", "waiting")
ENDED = STATES[:4]
RECENT = 100  # most ended runs from which the pace is estimated
PAUSE = 5.0  # longest gap between runs, in seconds, that counts as training time

_STEP, _EPOCH = COLUMNS["steps"].index("step"), COLUMNS["steps"].index("epoch")


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Attributes:
        info: content of run.json; None if it is not written yet.
        ended: when run.json was last written (Unix seconds); 0 if it was not.
        updates: (done, total) of a run in training, if known.
        command: command that trains it; "" if unknown.
        silent: seconds since the last heartbeat of another machine's process, if its clock agrees with this one.
    """

    folder: Path
    state: str
    info: dict[str, Any] | None = None
    ended: float = 0.0
    holder: LockHolder | None = None
    updates: tuple[int, int] | None = None
    command: str = ""
    silent: float = 0.0

    @property
    def axes(self) -> dict[str, Any]:
        return {} if self.info is None else self.info["axes"]


@dataclass(frozen=True)
class Look:
    """State of a study at one moment.

    Attributes:
        damaged: folders of unreadable runs that no process trains, and copies of runs, each with the reason.
    """

    runs: list[Run]
    damaged: dict[Path, str]
    now: float = field(default_factory=time.time)

    def of(self, state: str) -> list[Run]:
        """Return the runs in a state."""
        return [run for run in self.runs if run.state == state]

    @cached_property
    def pace(self) -> float | None:
        """Runs per second of training time, over the last runs that ended; None before the first."""
        ended = sorted((run for run in self.runs if run.state in ("complete", "diverged")), key=lambda run: run.ended)
        spans = [(run.ended - ((run.info or {}).get("seconds") or 0.0), run.ended) for run in ended[-RECENT:]]
        busy = _union(spans)
        return len(spans) / busy if busy > 0 else None

    @cached_property
    def left(self) -> float | None:
        """Seconds until all unfinished runs end; None if nothing trains or no pace is known."""
        running = self.of("running")
        if not running or self.pace is None:
            return None
        part = sum(1 - done / total for done, total in (run.updates or (0, 1) for run in running))
        return (part + len(self.of("interrupted")) + len(self.of("waiting"))) / self.pace


class Study:
    """A study's folder that can be read repeatedly; unchanged files are not read again.

    Errors: BadInput if the path is not a study's folder, or has no runs.
    """

    def __init__(self, path: Path) -> None:
        _check(path)
        self.path = path
        self._known: dict[Path, tuple[int, dict[str, Any] | Unreadable]] = {}
        self._over: set[str] = set()

    def look(self) -> Look:
        """Return the current state of the study."""
        runs, damaged = [], {}
        folders = run_folders(self.path)
        for folder in folders:
            run = self._run(folder)
            if isinstance(run, Unreadable):
                damaged[folder] = str(run)
            elif run.info is not None and folder.name != (own := run.info["run_id"]) and is_there(self.path / own):
                damaged[folder] = f"{printable(str(folder))} is a copy of run {own}: remove it"
            else:
                runs.append(run)
        started = {folder.name for folder in folders}
        for run_id, command in planned(self.path).items():
            if run_id in started:
                continue
            folder = self.path / run_id
            by = lock_holder(folder)
            runs.append(Run(folder, "waiting" if by is None else "running", holder=by, command=command))
        return Look(runs, damaged)

    def commands(self) -> dict[str, str]:
        """Return the commands of all runs by id: those of packs.json, and started ones that are not in it."""
        found = planned(self.path)
        for folder in run_folders(self.path):
            if folder.name not in found and not isinstance(info := self._info(folder)[0], Unreadable):
                found[folder.name] = info["command"] or ""
        return {run_id: command for run_id, command in found.items() if command}

    def unfinished(self, commands: Mapping[str, str], over: Collection[str] = ENDED) -> list[Run]:
        """Return those of some runs that have not ended; one that has is not looked at again.

        Args:
            commands: each run's command, by its id.
            over: the states of runs that have ended.
        """
        found = []
        for run_id, command in commands.items():
            if run_id in self._over:
                continue
            run = self._run(self.path / run_id)
            if isinstance(run, Run) and run.state in over:
                self._over.add(run_id)
                del self._known[run.folder]
            elif isinstance(run, Run):
                found.append(run)
            elif not is_there(self.path / run_id / "run.json"):
                by = lock_holder(self.path / run_id)
                found.append(
                    Run(self.path / run_id, "waiting" if by is None else "running", holder=by, command=command)
                )
        return found

    def _run(self, folder: Path) -> Run | Unreadable:
        info, changed = self._info(folder)
        if isinstance(info, Unreadable) or info["status"] == "running":
            by = lock_holder(folder)
            if isinstance(info, Unreadable):
                return info if by is None else Run(folder, "running", holder=by)
            state = "running" if by is not None else "interrupted"
            done = updates(folder, info["axes"])
            return Run(folder, state, info, changed, by, done, info["command"] or "", _silent(folder, by))
        return Run(folder, info["status"], info, changed, command=info["command"] or "")

    def _info(self, folder: Path) -> tuple[dict[str, Any] | Unreadable, float]:
        try:
            changed = (folder / "run.json").stat().st_mtime_ns
        except OSError:  # `read_info` gives the reason
            changed = 0
        if folder not in self._known or self._known[folder][0] != changed:
            try:
                self._known[folder] = (changed, read_info(folder))
            except Unreadable as error:
                self._known[folder] = (changed, error)
        return self._known[folder][1], changed / 1e9


def _silent(folder: Path, by: LockHolder | None) -> float:
    if by is None or by.is_here:
        return 0.0
    mark = marked(folder / NAME)
    return 0.0 if mark is None else max(0.0, time.time() - mark.beat / 1e9)


def last_row(path: Path) -> list[str] | None:
    """Return the cells of a table's last complete line, without reading the others; None if it has none."""
    try:
        with reading(path, TABLE) as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - 4096))
            lines = handle.read().rpartition(b"\n")[0].split(b"\n")
    except (FileNotFoundError, Unreadable):  # the report names damaged files
        return None
    return None if len(lines) < 2 else lines[-1].decode(errors="replace").split(",")


def updates(folder: Path, axes: dict[str, Any]) -> tuple[int, int] | None:
    """Return (done, total) by a run's last row of steps.csv; None if there is none."""
    row = last_row(folder / "steps.csv")
    try:
        step, epoch = (int(row[_STEP]), float(row[_EPOCH])) if row else (0, 0.0)
        total = axes.get("steps") or (round(axes["epochs"] * step / epoch) if epoch > 0 and axes.get("epochs") else 0)
    except (ValueError, IndexError, OverflowError):  # damaged: the report names it
        return None
    return (step, total) if total and 0 <= step <= total else None


def _union(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of the spans, short gaps included."""
    covered, reached = 0.0, None
    for start, end in sorted(spans):
        if reached is None or start > reached + PAUSE:
            covered, reached = covered + end - start, end
        elif end > reached:
            covered, reached = covered + end - reached, end
    return covered


def _check(path: Path) -> None:
    what = "give a study's folder (outputs/<study>)"
    if not is_there(path):
        meant = Path("outputs") / path
        is_meant = os.path.isdir(meant)  # noqa: PTH112 - as below
        close = get_close_matches(path.name, studies_in(path.parent), 1)
        likely = str(meant) if is_meant else str(path.parent / close[0]) if close else ""
        raise BadInput(f"{path} does not exist; " + (f"did you mean {likely}?" if likely else what))
    if not os.path.isdir(path):  # noqa: PTH112 - `Path.is_dir` raises if a parent folder is not accessible
        raise BadInput(f"{path} is {'a file' if is_regular(path) else 'no folder'}: {what}")
    found = run_folders(path)  # raises with the reason if a folder is not readable
    if os.path.lexists(path / "run.json") or (os.path.lexists(path / "config.yaml") and os.path.lexists(path / NAME)):
        raise BadInput(f"{path} is one run's folder: give its study's, {path.parent}")
    if not found and not planned(path):
        studies = ", ".join(str(path / name) for name in studies_in(path))
        raise BadInput(
            f"{path} holds no run" + (f"; it holds studies, give one: {studies}" if studies else f": {what}")
        )


def studies_in(path: Path) -> list[str]:
    """Return the names of the folders in `path` that hold runs."""
    found = []
    try:
        children = sorted(path.iterdir())
    except OSError:  # not a folder, or not readable
        return []
    for child in children:
        try:
            if child.is_dir() and run_folders(child):
                found.append(child.name)
        except (OSError, Unreadable):  # not readable
            continue
    return found
