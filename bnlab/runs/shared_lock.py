"""Mutual exclusion of launches on the files of a study that they share: packs.json and index.csv."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bnlab.errors import BadInput
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME

PATIENCE = 60.0  # seconds to wait for another launch


@contextmanager
def shared_lock(study: Path, name: str = NAME) -> Iterator[None]:
    """Hold one of the study's locks, waiting until no other launch holds it.

    Args:
        name: of the lock file.

    Raises:
        BadInput: another process keeps it, for example because it is suspended.
    """
    until = time.monotonic() + PATIENCE
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock(study, name))
                break
            except Busy as by:
                if time.monotonic() > until:
                    raise BadInput(f"{by}, and has been for {PATIENCE:g} s: is it suspended? end it, or wait") from None
                time.sleep(0.05)
        yield
