"""Launches of one study take turns at the files that they share: packs.json and index.csv."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bnlab.errors import BadInput
from bnlab.runs.holder import NAME
from bnlab.runs.lock import Busy, lock

PATIENCE = 60.0  # seconds that another launch may take


@contextmanager
def turn(study: Path, name: str = NAME) -> Iterator[None]:
    """Hold one of the study's locks, waiting until no other launch holds it.

    Args:
        name: of the lock's file.

    Raises:
        BadInput: another one keeps it, as a process does that was stopped in the middle.
    """
    until = time.monotonic() + PATIENCE
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(lock(study, name))
                break
            except Busy as by:
                if time.monotonic() > until:
                    raise BadInput(f"{by}, and has been for {PATIENCE:g} s: is it stopped? end it, or wait") from None
                time.sleep(0.05)
        yield
