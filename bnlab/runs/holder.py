"""Who holds a run folder's lock, as its file says, and whether that process lives."""

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
LARGEST = 1 << 16  # bytes of a lock's file that are read
STALE = 60.0  # seconds without a heartbeat after which another host's process counts as gone
PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock.

    Attributes:
        inode: of the lock's file; 0 where an older bnlab did not tell. A copy of a study that trained names a live
            process too, which holds the original.
        boot: the host's boot id, for a process id means nothing after the next boot; "" where there is none.
        birth: when the process began, in the kernel's ticks, for ids are used again; "" where that is not told.
        since: when it took the lock (seconds, Unix).
    """

    host: Annotated[str, AfterValidator(printable), Field(max_length=255)]
    pid: Annotated[int, Field(ge=1, lt=2**31)]
    boot: Annotated[str, Field(max_length=64)]
    birth: Annotated[str, Field(max_length=64)]
    since: Annotated[float, Field(ge=0, lt=2**33)]  # what a calendar of four digits shows
    inode: Annotated[int, Field(ge=0)] = 0

    def __str__(self) -> str:
        return f"{self.host}, pid {self.pid}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.since))}"

    def json(self) -> str:
        """What the lock's file holds."""
        return json.dumps(vars(self))


_HOLDER = TypeAdapter(Holder)


def this_process(inode: int = 0) -> Holder:
    """Return this process, as the holder of the lock with this inode from now on."""
    pid = os.getpid()
    return Holder(socket.gethostname(), pid, _boot(), _own_birth(pid, PROC), time.time(), inode)


@lru_cache(maxsize=1)  # a fork has a process id of its own
def _own_birth(pid: int, proc: Path) -> str:  # noqa: ARG001 - what it depends on
    return _birth(pid) or ""


def holder(folder: Path) -> Holder | None:
    """Who holds the folder's lock. Takes no lock to find out, and so is in nobody's way."""
    found = written(folder / NAME)
    if found is None or found.host != socket.gethostname():
        return found if found is not None and is_fresh(folder / NAME) else None
    return found if found.boot == _boot() and found.birth == _birth(found.pid) else None


def written(path: Path) -> Holder | None:
    """Return what the lock's file says; null where it was given back, is damaged, or was copied from elsewhere."""
    try:
        with reading(path, LARGEST) as file:
            inode = os.fstat(file.fileno()).st_ino
            found = _HOLDER.validate_json(file.read())
    except (FileNotFoundError, Unreadable, ValidationError):
        return None
    return found if found.inode in (0, inode) else None


def is_fresh(path: Path) -> bool:
    """Return whether the lock's heartbeat goes on; hosts that share a folder are taken to agree on the time.

    A time that lies as far in the future is no heartbeat either: it would never become stale.
    """
    return abs(time.time() - path.stat().st_mtime) < STALE


def _boot() -> str:
    return _boot_id(PROC)


@lru_cache(maxsize=1)  # it stays as long as this process lives
def _boot_id(proc: Path) -> str:
    path = proc / "sys/kernel/random/boot_id"
    return path.read_text().strip() if path.exists() else ""


def _birth(pid: int) -> str | None:
    """When a process began; null for one that is dead, be it a zombie still."""
    try:
        if not (PROC / "self").exists():  # no Linux
            os.kill(pid, 0)
            return ""
        state, *rest = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except PermissionError:  # somebody else's, and alive
        return ""
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else rest[18]
