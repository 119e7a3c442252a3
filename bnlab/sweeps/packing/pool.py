"""The packs of a study that wait, from which each of its workers takes the next.

packs.json says what waits. A worker that finds runs undivided, or divided when at most half as many packs could be
trained at once as now, divides those that have not begun (`share.sizes`). It never joins what workers have divided,
so packs only become smaller and workers with different opinions come to an end. Whatever a worker takes from an
outdated list is found in another pack, or locked, when it locks the runs (`Runner`).
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnlab.runs.packing import AMONG, NAME, Record, has_begun, is_listed, read_packing
from bnlab.runs.presence import at_work
from bnlab.sweeps.packing.packs import Packs, record_of
from bnlab.sweeps.packing.share import sizes

COUNTED = 5.0  # seconds for which a worker relies on its count of those at work


@dataclass(frozen=True)
class Terms:
    """What a worker wants of its packs.

    Attributes:
        own: number of packs that it trains at once.
        most: returns the largest size of packs of runs like those of a record.
        threads: returns the threads of torch for a pack of so many runs like those of a record.
        asked: the options that led to these.
    """

    own: int
    most: Callable[[Record], int]
    threads: Callable[[Record, int], int]
    asked: Mapping[str, Any]


class Pool:
    """Waiting packs of a study.

    Args:
        is_mine: returns whether the worker trains runs with such a command.
    """

    def __init__(self, study: Path, is_mine: Callable[[str], bool]) -> None:
        self._study, self._is_mine = study, is_mine
        self._packs = Packs(study)
        self._seen: object = None  # which packs.json was read
        self._open: list[Record] = []  # packs to take; the last is the next
        self._alike: Counter[str] = Counter()  # undivided waiting runs that can be trained together
        self._taken: set[str] = set()
        self._slots = (0, -COUNTED)

    def waiting(self) -> list[Record]:
        """Return the packs that wait, and are not divided for this worker.

        Raises:
            Unreadable: packs.json is damaged.
        """
        self._read()
        return list(self._open)

    def offer_again(self) -> None:
        """Offer packs that were taken but have not begun once more."""
        self._taken.clear()
        self._seen = None

    def take(self, terms: Terms) -> Record | None:
        """Return a pack that waits, and none twice; None if there is none now.

        Raises:
            Unreadable: packs.json is damaged.
        """
        while self._open or self._read():
            large: list[Record] = []
            while self._open:
                record = self._open.pop()
                if has_begun(self._study, list(record.runs)[:1]):
                    continue
                if AMONG in record.asked and len(record.runs) > terms.most(record):
                    large.append(record)
                elif not self._fits(record, terms):
                    self._divide(record, terms)
                    large = []
                elif self._is_listed(record):
                    self._open += reversed(large)
                    self._taken.add(record.id)
                    return record
                else:
                    self._read()
                    large = []
            if large:
                self._divide(large[-1], terms)
        return None

    def _fits(self, record: Record, terms: Terms) -> bool:
        if AMONG in record.asked:
            return not self._is_outdated(record)
        if len(record.runs) > 1 or (self._alike[record.kind] > 1 and terms.most(record) > 1):
            return False
        return record.threads == terms.threads(record, 1)

    def _is_outdated(self, record: Record) -> bool:
        """Return whether workers have not divided a record, or now train at least twice as many packs as they did."""
        among = record.asked.get(AMONG)
        return not isinstance(among, int) or (len(record.runs) > 1 and self._count() >= 2 * among)

    def _count(self) -> int:
        """Return how many packs can be trained at once."""
        if time.monotonic() - self._slots[1] > COUNTED:
            self._slots = (sum(at_work(self._study)), time.monotonic())
        return self._slots[0]

    def _divide(self, like: Record, terms: Terms) -> None:
        """Divide the waiting runs that can be trained together with those of a record, and offer these packs next.

        Only the record itself is divided if it is merely too large for this worker.
        """
        most, slots = terms.most(like), max(self._count(), terms.own)
        terms.threads(like, 1)  # builds the net, which others should not wait for
        parts: list[Record] = []

        def is_divisible(one: Record) -> bool:
            if one.id != like.id:
                alike = one.kind == like.kind and self._are_mine(one)
                if not alike or not self._is_outdated(like) or not self._is_outdated(one):
                    return False
            return not has_begun(self._study, one.runs)

        def change(records: Sequence[Record]) -> list[Record]:
            parts.clear()
            divisible = [one for one in records if is_divisible(one)]
            runs = {run_id: command for one in divisible for run_id, command in one.runs.items()}
            if not runs:
                return list(records)
            there = _folders(self._study)
            waiting = max(len(runs), sum(run_id not in there for one in records for run_id in one.runs))
            place = list(runs)
            for size in sizes(len(runs), waiting, slots, terms.own, most):
                part, place = place[:size], place[size:]
                own = {run_id: runs[run_id] for run_id in part}
                threads = terms.threads(like, size)
                parts.append(record_of(own, threads, {**terms.asked, AMONG: slots}, like.alike))
            gone = {one.id for one in divisible}
            first = next(n for n, one in enumerate(records) if one.id in gone)
            left = [one for one in records[first:] if one.id not in gone]
            return [*records[:first], *parts, *left]

        self._list(self._packs.regroup(change))
        new = {one.id for one in parts}
        self._open.sort(key=lambda one: one.id in new)

    def _read(self) -> bool:
        """List the packs that wait; return whether packs.json has changed since it was last read."""
        if (stamp := self._stamp()) == self._seen:
            return False
        self._list(read_packing(self._study).packs, stamp)
        return True

    def _list(self, records: Iterable[Record], stamp: object = None) -> None:
        there = _folders(self._study)

        def waits(one: Record) -> bool:
            begun = not there.isdisjoint(one.runs) and has_begun(self._study, one.runs)
            return one.id not in self._taken and not begun and self._are_mine(one)

        self._seen = stamp
        self._open = [one for one in records if waits(one)]
        self._alike = Counter()
        for one in self._open:
            if AMONG not in one.asked:
                self._alike[one.kind] += len(one.runs)
        random.shuffle(self._open)  # two workers seldom choose the same one
        self._open.sort(key=lambda one: max(len(one.runs), 0 if AMONG in one.asked else self._alike[one.kind]))

    def _is_listed(self, record: Record) -> bool:
        return self._stamp() == self._seen or is_listed(self._study, record.id)

    def _stamp(self) -> object:
        """Return what identifies the packs.json that is there; each new one is another file."""
        try:
            found = (self._study / NAME).stat()
        except FileNotFoundError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _are_mine(self, record: Record) -> bool:
        return all(map(self._is_mine, record.runs.values()))


def _folders(study: Path) -> set[str]:
    return {entry.name for entry in os.scandir(study)}
