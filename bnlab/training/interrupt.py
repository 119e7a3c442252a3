"""Ctrl-C between two steps: what was trained so far is kept."""
# A worker process leaves Ctrl-C, which a terminal sends to all, to its parent, and takes SIGUSR1 from it instead.

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether somebody has asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take the signal; another one ends the program at once."""
        self.asked = True
        signal.signal(number, signal.default_int_handler)


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Inside the block the first of the signals that would raise KeyboardInterrupt only asks.

    In a thread beside the main one, which gets no signals, none does.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    mine = [n for n in (signal.SIGINT, signal.SIGUSR1) if signal.getsignal(n) is signal.default_int_handler]
    for number in mine:  # others are somebody else's business
        signal.signal(number, interrupt.ask)
    try:
        yield interrupt
    finally:
        for number in mine:
            signal.signal(number, signal.default_int_handler)
