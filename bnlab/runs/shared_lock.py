"""Mutual exclusion of launches on the files of a study that they share: packs.json and index.csv."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bnlab.errors import BadInput
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME, marked

PATIENCE = 60.0  # seconds to wait for one holder; hundreds of other processes may come first
SHORTEST, LONGEST = 0.05, 0.5  # seconds between checks whether the lock is free


@contextmanager
def shared_lock(study: Path, name: str = NAME) -> Iterator[None]:
    """Hold one of the study's locks, waiting until no other process holds it.

    Args:
        name: of the lock file.

    Raises:
        BadInput: another process keeps it, for example because it is suspended.
    """
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock(study, name))
                break
            except Busy as by:
                _wait(study / name, by)
        yield


def _wait(path: Path, by: Busy) -> None:
    """Return when a lock is free or its holder is dead. An attempt to take it would write files, this reads one."""
    holder, until, pause = "", 0.0, SHORTEST
    while True:
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(2 * pause, LONGEST)
        if (mark := marked(path)) is None or mark.is_stale():
            return
        if mark.key != holder:
            holder, until = mark.key, time.monotonic() + PATIENCE
        elif time.monotonic() > until:
            raise BadInput(f"{by}, and has been for {PATIENCE:g} s: is it suspended? end it, or wait")
