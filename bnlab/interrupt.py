"""Signals that ask a process to end: between two steps, so that what was trained so far is kept.

Ctrl-C raises KeyboardInterrupt by Python's own handler. SIGTERM (a scheduler, a shutdown) and SIGHUP (a closed
terminal) raise `Ended` inside `ending`. A worker process leaves Ctrl-C, which a terminal sends to all, to its parent,
and takes SIGUSR1 from it instead.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """A signal other than Ctrl-C has asked the process to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Raise `Ended`: a signal handler."""
    raise Ended(number)


class Interrupt:
    """Whether somebody has asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    def defer(self) -> None:
        """Take over the signals that would raise; others are somebody else's business."""
        for number in (signal.SIGINT, signal.SIGUSR1, *ENDING):
            if (handler := signal.getsignal(number)) in (signal.default_int_handler, end):
                self._before[number] = handler
                signal.signal(number, self._ask)

    def restore(self) -> None:
        """Give the signals back to their handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self) -> None:
        """Raise what the signal would have raised."""
        raise KeyboardInterrupt if self._number not in ENDING else Ended(self._number)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take the signal; another one ends the program at once."""
        self.asked, self._number = True, number
        self.restore()


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Inside the block the first of the signals that would raise KeyboardInterrupt only asks.

    In a thread beside the main one, which gets no signals, none does.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    interrupt.defer()
    try:
        yield interrupt
    finally:
        interrupt.restore()


@contextmanager
def ending() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP raise `Ended`, unless whoever started the process has set them (nohup)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    mine = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
