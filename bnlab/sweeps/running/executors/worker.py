"""What a worker process does: train the pack that a file describes, and write down what happens."""

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

STOP = signal.SIGUSR1  # what the parent sends so that a pack keeps a checkpoint and ends
STOPS = (STOP, *ENDING)
WATCH = 0.5  # seconds between looks whether the parent lives
TELL = 0.25  # seconds between lines about progress


class Events:
    """A listener that writes each call as a line of a file, for another process to repeat."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = 0.0

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        if time.monotonic() - self._told > TELL or runs == 0:
            self._told = time.monotonic()
            self._write("progress", step, total, loss, accuracy, pack, runs)

    def note(self, line: str) -> None:
        self._write("note", line)

    def left_alone(self, folder: str, reason: str) -> None:
        self._write("left_alone", folder, reason)

    def ended(self, folder: str, pack: str) -> None:
        self._write("ended", folder, pack)

    def stopped(self) -> bool:
        return False

    def _write(self, what: str, *values: object) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([what, *values]) + "\n")
        except FileNotFoundError:  # the launch was killed, and a worker beside this one has removed its folder
            os._exit(1)


def repeat(path: Path, listener: Listener) -> Iterator[None]:
    """Tell a listener what a file of events holds: with each step what has come since the one before."""
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
        folder: of the launch's temporary files; it goes with a parent that was killed.
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
    """Train the pack that a file describes, or until one of `STOPS` comes; the events go to the file beside it.

    Args:
        processes: workers side by side, this one among them.

    Raises:
        BadInput, OSError: as `Executor.run`.
    """
    try:
        for number in STOPS:
            signal.signal(number, end if number in ENDING else signal.default_int_handler)
        _runner(processes).attempt(Pack.read(path), Events(events_path(path)))
    except KeyboardInterrupt:
        pass  # its runs are left to go on with
    finally:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)


def events_path(path: Path) -> Path:
    """Where the events of the pack that a file describes go."""
    return path.with_suffix(".events")


@cache
def _runner(processes: int) -> Runner:
    return Runner(processes)
