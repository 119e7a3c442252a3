"""Signals that ask a process to end: training stops between two steps, so that its progress is kept.

Ctrl-C raises KeyboardInterrupt by Python's own handler. SIGTERM (a scheduler, a shutdown) and SIGHUP (a closed
terminal) raise `Ended` inside `ending`. A terminal sends Ctrl-C to all processes: workers ignore it, and their parent
sends them SIGUSR1 instead.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """Request to end the process by a signal other than Ctrl-C.

    Attributes:
        number: the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Raise `Ended`, as a signal handler."""
    raise Ended(number)


class Interrupt:
    """Request to stop, made by a signal."""

    def __init__(self) -> None:
        self.asked = False
        self._number: int | None = None
        self._before: dict[int, Any] = {}

    def defer(self) -> None:
        """Take over the signals whose handlers would raise; leave other handlers in place."""
        for number in (signal.SIGINT, signal.SIGUSR1, *ENDING):
            if (handler := signal.getsignal(number)) in (signal.default_int_handler, end):
                self._before[number] = handler
                signal.signal(number, self._ask)

    def restore(self) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self) -> None:
        """Raise the exception that the signal would have raised."""
        raise KeyboardInterrupt if self._number not in ENDING else Ended(self._number)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Record the signal; a second one ends the program immediately."""
        self.asked, self._number = True, number
        self.restore()


@contextmanager
def deferred() -> Iterator[Interrupt]:
    """Defer the first signal in the block that would raise KeyboardInterrupt: it only sets `asked`.

    Only the main thread receives signals; in other threads nothing is deferred.
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
    """Raise `Ended` on SIGTERM and SIGHUP inside the block, unless they were already handled or ignored (nohup)."""
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
