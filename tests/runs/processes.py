"""Processes for the tests of locks, and locks that they left."""

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from bnlab.runs.lock_holder import NAME, this_process


def write(folder: Path, age: float = 0.0, name: str = NAME, **facts: object) -> None:
    """A lock as another process left it, last touched `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    inode = (folder / name).stat().st_ino
    (folder / name).write_text(json.dumps(json.loads(this_process(inode).json()) | facts))
    now = time.time()
    os.utime(folder / name, (now - age, now - age))


def fork(child: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(BaseException):
            child()
            status = 0
        os._exit(status)
    return pid


def until(true: Callable[[], bool]) -> None:
    for _ in range(10_000):  # a minute and more: the machine may be busy
        if true():
            return
        time.sleep(0.01)
    raise TimeoutError
