"""Worker process: trains the pack that a file describes, and writes the events to a file."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bnlab.interrupt import ENDING, end
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.executors.base import Listener
from bnlab.sweeps.running.runner import Runner

STOP = signal.SIGUSR1  # sent by the parent to have a pack checkpointed and stopped
STOPS = (STOP, *ENDING)
WATCH = 0.5  # seconds between checks that the parent is alive
TELL = 0.25  # seconds between progress events


class Events:
    """Listener that writes each call as a line of a file, for another process to repeat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = 0.0

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        if time.monotonic() - self._told > TELL or runs == 0:
            self._told = time.monotonic()
            self._write("progress", step, total, loss, accuracy, pack, runs)

    def note(self, line: str) -> None:
        self._write("note", line)

    def skipped(self, folder: str, reason: str) -> None:
        self._write("skipped", folder, reason)

    def ended(self, folder: str, pack: str) -> None:
        self._write("ended", folder, pack)

    def stopped(self) -> bool:
        return False

    def _write(self, what: str, *values: object) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([what, *values]) + "\n")
        except FileNotFoundError:  # the launch was killed, and another worker has removed its folder
            os._exit(1)


def repeat(path: Path, listener: Listener) -> Iterator[None]:
    """Yield each time after repeating to a listener the events added to a file since the time before."""
    place = 0
    while True:
        if path.exists():
            with path.open("rb") as file:
                file.seek(place)
                lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            place += len(whole)
            for line in whole.splitlines():
                what, *values = json.loads(line)
                getattr(listener, what)(*values)
        yield


def start(parent: int, folder: Path) -> None:
    """Make this process a worker: it leaves Ctrl-C to its parent, and ends with it.

    Args:
        folder: of the launch's temporary files; removed if the parent was killed.
    """
    for number in (signal.SIGINT, *STOPS):
        signal.signal(number, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, name="watch", daemon=True).start()


def work(path: Path, processes: int) -> None:
    """Train the pack that a file describes until it ends or a signal of `STOPS` comes; write `events_path`.

    Args:
        processes: number of workers in parallel, including this one.

    Raises:
        BadInput, OSError: like `Executor.run`.
    """
    try:
        for number in STOPS:
            signal.signal(number, end if number in ENDING else signal.default_int_handler)
        _runner(processes).attempt(Pack.read(path), Events(events_path(path)))
    except KeyboardInterrupt:
        pass  # its runs can be resumed
    finally:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)


def events_path(path: Path) -> Path:
    """Return the path for the events of the pack that a file describes."""
    return path.with_suffix(".events")


@cache
def _runner(processes: int) -> Runner:
    return Runner(processes)
