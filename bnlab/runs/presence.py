"""Who works in a study: each process that trains its runs holds a lock of its own in `.workers`.

The name of the lock ends in the number of packs that the process trains at once. The division of the waiting runs
depends on their sum (`bnlab.sweeps.packing.pool`), which need not be exact.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bnlab.runs.lock import lock
from bnlab.runs.lock_holder import marked

FOLDER = ".workers"
_NAME = re.compile(r"[0-9a-f]{16}-([1-9][0-9]{0,4})")


@contextmanager
def present(study: Path, slots: int) -> Iterator[None]:
    """Count as at work in a study, whose folder exists.

    Args:
        slots: number of packs that this process trains at once.
    """
    folder = study / FOLDER
    with ExitStack() as held:
        held.callback(_remove, study)
        while True:
            try:
                held.enter_context(lock(folder, f"{secrets.token_hex(8)}-{slots}"))
                break
            except FileNotFoundError:  # another process removed the folder as it left
                if not study.is_dir():
                    raise
        yield


def at_work(study: Path) -> list[int]:
    """Return how many packs each living process in a study trains at once; remove the locks of dead ones."""
    slots = []
    for name in _names(study / FOLDER):
        path = study / FOLDER / name
        if (found := _NAME.fullmatch(name)) is None or (mark := marked(path)) is None:
            continue
        if not mark.is_stale():
            slots.append(int(found[1]))
        elif mark.size > 0:  # an empty one may be about to be written, where links do not exist
            path.unlink(missing_ok=True)
    return slots


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone, which is faster
    except OSError:
        return []


def _remove(study: Path) -> None:
    """Remove the folder if nobody is at work, and the locks that killed processes have left."""
    at_work(study)
    with suppress(OSError):  # others are at work
        (study / FOLDER).rmdir()
