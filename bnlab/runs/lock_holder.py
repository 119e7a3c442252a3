"""LockHolder of a run folder's lock, as recorded in the lock file, and whether that process is alive."""

import json
import os
import socket
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from bnlab.runs.files import Unreadable, reading
from bnlab.text import printable

NAME = ".lock"
LARGEST = 1 << 16  # most bytes of a lock file that are read
STALE = 60.0  # seconds without a heartbeat after which another host's process counts as dead
PROC = Path("/proc")


@dataclass(frozen=True)
class LockHolder:
    """A process that holds a lock.

    Attributes:
        inode: of the lock file; 0 from an older bnlab. The lock file in a copy of a study in training names a live
            process too, which holds the original.
        boot: boot id of the host, because process ids are reused after a boot; "" if unknown.
        birth: start of the process in kernel ticks, because process ids are reused; "" if unknown.
        since: when it took the lock (Unix seconds).
    """

    host: Annotated[str, AfterValidator(printable), Field(max_length=255)]
    pid: Annotated[int, Field(ge=1, lt=2**31)]
    boot: Annotated[str, Field(max_length=64)]
    birth: Annotated[str, Field(max_length=64)]
    since: Annotated[float, Field(ge=0, lt=2**33)]  # a year of four digits
    inode: Annotated[int, Field(ge=0)] = 0

    def __str__(self) -> str:
        return f"{self.host}, pid {self.pid}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.since))}"

    def json(self) -> str:
        """Return the content of the lock file."""
        return json.dumps(vars(self))


_HOLDER = TypeAdapter(LockHolder)


def this_process(inode: int = 0) -> LockHolder:
    """Return this process as the holder, from now on, of the lock with this inode."""
    pid = os.getpid()
    return LockHolder(socket.gethostname(), pid, _boot(), _own_birth(pid, PROC), time.time(), inode)


@lru_cache(maxsize=1)  # a fork has another process id
def _own_birth(pid: int, proc: Path) -> str:  # noqa: ARG001 - keys of the cache
    return _birth(pid) or ""


def lock_holder(folder: Path) -> LockHolder | None:
    """Return who holds the folder's lock, without taking it, so that no process is blocked."""
    found = written(folder / NAME)
    if found is None or found.host != socket.gethostname():
        return found if found is not None and is_fresh(folder / NAME) else None
    return found if found.boot == _boot() and found.birth == _birth(found.pid) else None


def written(path: Path) -> LockHolder | None:
    """Return the content of a lock file; None if it was released, is damaged, or was copied from elsewhere."""
    try:
        with reading(path, LARGEST) as file:
            inode = os.fstat(file.fileno()).st_ino
            found = _HOLDER.validate_json(file.read())
    except (FileNotFoundError, Unreadable, ValidationError):
        return None
    return found if found.inode in (0, inode) else None


def is_fresh(path: Path) -> bool:
    """Return whether the lock's heartbeat is recent; hosts that share a folder are assumed to agree on the time.

    A time equally far in the future is not recent either: it would never become stale.
    """
    return abs(time.time() - path.stat().st_mtime) < STALE


def _boot() -> str:
    return _boot_id(PROC)


@lru_cache(maxsize=1)  # constant while this process lives
def _boot_id(proc: Path) -> str:
    path = proc / "sys/kernel/random/boot_id"
    return path.read_text().strip() if path.exists() else ""


def _birth(pid: int) -> str | None:
    """Return when a process started; None if it is dead or a zombie."""
    try:
        if not (PROC / "self").exists():  # not Linux
            os.kill(pid, 0)
            return ""
        state, *rest = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except PermissionError:  # another user's, and alive
        return ""
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else rest[18]
