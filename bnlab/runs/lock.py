"""One writer per run folder: a lock that is released when its process ends, for any reason.

On one host `flock` decides: the kernel releases it with the process. Hosts may share a folder without sharing `flock`,
so the file also names the holder (`LockHolder` as JSON; empty when released), and its modification time is a heartbeat:
another host's lock is respected while its heartbeat is recent, and taken over once it is stale.
"""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bnlab.runs.files import Foreign, check_own, open_own
from bnlab.runs.lock_holder import NAME, LockHolder, is_fresh, this_process, written

BEAT = 5.0  # seconds between heartbeats


class Busy(Exception):
    """Error for a run that another process is writing."""


@contextmanager
def lock(folder: Path, name: str = NAME) -> Iterator[None]:
    """Hold a lock of the folder; create the folder if necessary.

    Args:
        name: of the lock file.

    Raises:
        Busy: another process holds it; the message says which, and since when.
        Foreign: something other than a file of bnlab is in its place, or the folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        handle = open_own(folder / name, is_lock=True)  # unchanged until the lock is held
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        check_own(folder, folder=True)
        raise Foreign(f"{folder} cannot be written ({error.strerror}): fix that and repeat the command") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(folder, written(folder / name)) from None
        if not _is_at(handle, folder / name):  # its holder removed it between open and flock
            raise _busy(folder, None)
        before = written(folder / name)
        if before is not None and before.host != socket.gethostname() and is_fresh(folder / name):
            raise _busy(folder, before)
        _write(handle, this_process(os.fstat(handle.fileno()).st_ino).json())
    except BaseException:
        handle.close()
        raise
    _HELD.add(handle)
    try:
        yield
    finally:
        _HELD.release(handle)


class _Held:
    """Locks that this process holds, and the thread that keeps up their heartbeats."""

    def __init__(self) -> None:
        self._handles: set[BinaryIO] = set()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def forget(self) -> None:
        """Close the parent's locks in a forked process, because they must not outlive the parent."""
        for handle in self._handles:
            handle.close()
        self.__dict__ |= _Held().__dict__  # the thread is not forked, and the guard may be locked

    def add(self, handle: BinaryIO) -> None:
        with self._guard:
            self._handles.add(handle)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def release(self, handle: BinaryIO) -> None:
        with self._guard:
            if not handle.closed:  # as in a fork
                self._handles.remove(handle)
                _write(handle, "")
                handle.close()

    def _run(self) -> None:
        while True:
            time.sleep(BEAT)
            with self._guard:
                for handle in self._handles:
                    with suppress(OSError):  # a failed heartbeat counts as missed
                        os.utime(handle.fileno())


_HELD = _Held()
os.register_at_fork(after_in_child=_HELD.forget)


def _busy(folder: Path, by: LockHolder | None) -> Busy:
    return Busy(f"{folder} is being trained by another process" + (f" ({by})" if by else ""))


def _is_at(handle: BinaryIO, path: Path) -> bool:
    """Return whether an open file is the one at this path."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except OSError:
        return False


def _write(handle: BinaryIO, text: str) -> None:
    handle.truncate(0)
    handle.write(text.encode())
    handle.flush()
