"""Packs of a study: which runs are trained together, stored in packs.json (`bnlab.runs.packing`).

The file is written before training. It says how a run was executed and, if it has not started, which command trains it.
A pack is resumed with the same runs in the same order, so its numbers are those of an uninterrupted one, bit for bit.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from bnlab.runs import packing
from bnlab.runs.atomic import leftovers
from bnlab.runs.files import Foreign, Unreadable, is_regular
from bnlab.runs.info import read_info
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME, lock_holder
from bnlab.runs.packing import (
    Packing,
    Record,
    checkpoint_path,
    has_begun,
    is_listed,
    pack_id,
    read_packing,
    write_packing,
)
from bnlab.runs.presence import at_work
from bnlab.runs.schema import CHECKPOINT, FINISHED
from bnlab.runs.shared_lock import shared_lock
from bnlab.runs.writer import check_folder
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.grouping import Grouping, grouped
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.provenance import versions

OLD = 3600.0  # seconds


class Regrouped(Exception):
    """Error for a pack that no longer exists: its runs are in other packs now."""


class Packs:
    """Packs of a study."""

    def __init__(self, study: Path) -> None:
        self._study = study
        self._path = study / packing.NAME

    def form(
        self, waiting: Sequence[Job], known: Mapping[str, Job], grouping: Grouping, note: Callable[[str], None]
    ) -> list[Pack]:
        """Put jobs into packs: started packs unchanged, the other jobs by the grouping.

        A job that would have to be taken out of a pack which another process trains is in none of them.

        Args:
            known: all jobs of this launch by run_id, including finished ones.
            note: receives lines for the user.
        """
        free = {job.run_id: job for job in waiting}
        with shared_lock(self._study):
            records, packs = [], []
            before = self._read(note)
            kept = self._divided(before.packs)
            for record in before.packs:
                for one in self._fitting(record, known, free):
                    records.append(one)
                    if self._goes_on(one, free, grouping, kept):
                        packs.append(Pack(tuple(known[run_id] for run_id in one.runs), one.threads))
                        for run_id in one.runs:
                            free.pop(run_id, None)
            # A run that is in no pack and has a checkpoint was trained as a single run.
            single = {run_id for run_id, job in free.items() if job.started() and is_regular(job.folder / CHECKPOINT)}
            fresh = [Pack((free[run_id],), grouping.threads(free[run_id])) for run_id in single]
            fresh += grouped([job for run_id, job in free.items() if run_id not in single], grouping)
            regrouped = {job.run_id for pack in fresh for job in pack.jobs}
            records = [rest for record in records if (rest := self._rest(record, regrouped)) is not None]
            records += [record_of(_commands(pack), pack.threads, grouping.asked, pack.jobs[0].alike) for pack in fresh]
            self._write(records, before)
        order = {job.run_id: n for n, job in enumerate(known.values())}
        return sorted(packs + fresh, key=lambda pack: order[pack.jobs[0].run_id])

    def tidy(self) -> None:
        """Remove what a kill leaves: temporary files, and checkpoints of packs that have ended or no longer exist.

        A single run keeps its checkpoint.
        """
        for path in leftovers(self._study, _is_ours):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > OLD:  # no process is writing it
                    path.unlink()
        try:
            before = read_packing(self._study)
        except Unreadable:
            return  # packs that are formed next may use the checkpoints
        names = {entry.name for entry in os.scandir(self._study)}
        several = ((one, self._checkpoint(one)) for one in before.packs if len(one.runs) > 1)
        done = [path for one, path in several if path.name in names and is_regular(path) and self._over(one)]
        if done or before.retired:
            with shared_lock(self._study):
                for path in done:
                    path.unlink(missing_ok=True)
                now = self._read()
                self._write(now.packs, now)

    def drop_waiting(self) -> int:
        """Remove the packs of which no run has started, and return the number of their runs."""
        with shared_lock(self._study):
            before = read_packing(self._study)
            records, dropped = [], 0
            for record in before.packs:
                idle = [r for r in record.runs if not (self._study / r).exists()]
                if len(idle) == len(record.runs):
                    dropped += len(idle)
                else:
                    records.append(record)
            self._write(records, before)
        return dropped

    def holds(self, pack: Pack) -> bool:
        """Return whether the pack still exists."""
        return is_listed(self._study, pack.id)

    def regroup(self, change: Callable[[Sequence[Record]], list[Record]]) -> list[Record]:
        """Replace packs that have not begun, and return all packs.

        Args:
            change: returns all packs as they should be, with those that have begun unchanged. Called again if a pack
                that it has replaced was begun meanwhile.
        """
        with shared_lock(self._study):
            before = self._read()
            while True:
                records = change(before.packs)
                self._write(records, before)
                kept = {record.id for record in records}
                if not any(has_begun(self._study, one.runs) for one in before.packs if one.id not in kept):
                    return records

    def forget(self, job: Job) -> None:
        """Remove a run of which nothing has been written, and the study's folder if nothing else is in it."""
        with suppress(Busy, Foreign, OSError):  # held by another process, or not empty
            with lock(job.folder):
                pass
            job.folder.rmdir()
        alone = pack_id([job.run_id])
        with shared_lock(self._study):
            before = self._read()
            if any(record.id == alone for record in before.packs):
                self._write([record for record in before.packs if record.id != alone], before)
            if {path.name for path in self._study.iterdir()} <= {NAME, packing.NAME} and not self._read().packs:
                self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._study.rmdir()

    def split(self, pack: Pack, parts: Sequence[Sequence[Job]]) -> None:
        """Divide a pack whose runs' locks are held; each part resumes from the state of the pack."""
        with shared_lock(self._study):
            before, records = self._read(), list[Record]()
            for record in before.packs:
                runs = [[job.run_id for job in part] for part in parts]
                records += self._divide(record, runs) if record.id == pack.id else [record]
            self._write(records, before)

    def _fitting(self, record: Record, known: Mapping[str, Job], free: dict[str, Job]) -> list[Record]:
        """Return the record, or its two parts if the launch wants only some runs of a started pack."""
        asked = [run_id for run_id in record.runs if run_id in free]
        others = [run_id for run_id in record.runs if run_id not in free]
        if not asked or not self._begun(record, free) or all(_is_done(known.get(run_id)) for run_id in others):
            return [record]
        try:
            with ExitStack() as held:
                for run_id in record.runs:
                    if self._is_usable(run_id):  # no process trains in another
                        held.enter_context(lock(self._study / run_id))
                return self._divide(record, [asked, others])
        except Busy:
            for run_id in asked:
                del free[run_id]
            return [record]

    def _goes_on(self, record: Record, free: Mapping[str, Job], grouping: Grouping, kept: set[str]) -> bool:
        asked = [run_id for run_id in record.runs if run_id in free]
        if not asked or self._begun(record, free):
            return bool(asked)
        return len(asked) == len(record.runs) and (record.asked == dict(grouping.asked) or record.id in kept)

    def _divided(self, records: Sequence[Record]) -> set[str]:
        """Return the packs into which workers have divided runs, if others are at work, who would do it again."""
        found = {record.id for record in records if packing.AMONG in record.asked}
        return found if found and len(at_work(self._study)) > 1 else set()

    def _rest(self, record: Record, regrouped: set[str]) -> Record | None:
        """Return a pack that has not begun without the runs that are in others now; None if no run is waiting in it."""
        if not regrouped & record.runs.keys():
            return record
        left = {one: command for one, command in record.runs.items() if one not in regrouped}
        left = {one: command for one, command in left.items() if not has_begun(self._study, [one])}
        return record_of(left, record.threads, record.asked, record.alike) if left else None

    def _begun(self, record: Record, free: Mapping[str, Job]) -> bool:
        """Return whether training has started or is about to start."""
        mine = [free[run_id] for run_id in record.runs if run_id in free]
        return any(job.started() for job in mine) or any(lock_holder(job.folder) for job in mine)

    def _divide(self, record: Record, parts: Sequence[Sequence[str]]) -> list[Record]:
        from bnlab.training import checkpoint  # torch

        together = list(record.runs)
        payloads = checkpoint.load_pack(checkpoint_path(self._study, together), together)
        whole = dict(zip(together, payloads or (), strict=False))
        for part in parts if whole else ():
            own = {run_id: whole[run_id] for run_id in part}
            path = checkpoint_path(self._study, part)
            if len(part) > 1 or self._is_usable(part[0]):
                checkpoint.save(path, own[part[0]] if len(part) == 1 else own)
        commands = [{run_id: record.runs[run_id] for run_id in part} for part in parts]
        return [record_of(part, record.threads, record.asked, record.alike) for part in commands]

    def _is_usable(self, run_id: str) -> bool:
        """Return whether bnlab may write into a run's folder or create it."""
        folder = self._study / run_id
        try:
            if os.path.lexists(folder):
                check_folder(folder)
        except Foreign:
            return False
        return True

    def _checkpoint(self, record: Record) -> Path:
        return checkpoint_path(self._study, list(record.runs))

    def _over(self, record: Record) -> bool:
        return all(_has_ended(self._study / run_id) for run_id in record.runs)

    def _read(self, note: Callable[[str], None] = lambda _: None) -> Packing:
        try:
            return read_packing(self._study)
        except Unreadable as error:
            note(f"{error}: it is rewritten, and unfinished packs restart from the beginning")
            return Packing()

    def _write(self, records: Sequence[Record], before: Packing) -> None:
        """Replace packs.json and remove the checkpoints of dropped packs, whose names it keeps in case of a kill."""
        dropped = {record.id: record for record in before.packs if len(record.runs) > 1}
        for record in records:
            dropped.pop(record.id, None)
        retired = {*before.retired, *(self._checkpoint(one).name for one in dropped.values())}
        there = [name for name in retired if is_regular(self._study / name)]
        now = versions()
        laid_out = {name: now[name] for name in ("bnlab", "torch")}
        write_packing(self._study, records, there, laid_out)
        if there:
            for name in there:
                (self._study / name).unlink(missing_ok=True)
            write_packing(self._study, records, [], laid_out)


def _is_ours(name: str) -> bool:
    return name in (packing.NAME, "index.csv") or packing.CHECKPOINT_NAME.fullmatch(name) is not None


def _commands(pack: Pack) -> dict[str, str]:
    return {job.run_id: job.command for job in pack.jobs}


def record_of(runs: Mapping[str, str], threads: int, asked: Mapping[str, Any], alike: str) -> Record:
    """Return the record of a pack of these runs, each with its command."""
    executor = "serial" if len(runs) == 1 else "fused"
    return Record(
        id=pack_id(list(runs)), executor=executor, threads=threads, runs=dict(runs), asked=dict(asked), alike=alike
    )  # fmt: skip


def _is_done(job: Job | None) -> bool:
    info = None if job is None else job.info()
    return info is not None and info["status"] in FINISHED


def _has_ended(folder: Path) -> bool:
    try:
        return read_info(folder)["status"] != "running"
    except Unreadable:
        return False
