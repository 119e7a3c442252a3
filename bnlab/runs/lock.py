"""One writer a run folder: a lock that ends with the process that holds it, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".lock"


class Busy(Exception):
    """Another process is writing this run."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, made if need be.

    Raises:
        Busy: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{folder} is being trained by another process") from None
        yield
