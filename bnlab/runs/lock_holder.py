"""Holder of a lock as its file records it, and whether that process is alive.

A process of this machine is alive if the kernel says so. A process of another machine is alive while its heartbeat, the
modification time of the file, changes: this process watches it on its own monotonic clock, and compares no clocks.
"""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from bnlab.runs.files import Unreadable, reading
from bnlab.text import printable

NAME = ".lock"
LARGEST = 1 << 16  # most bytes of a lock file that are read
STALE = 60.0  # seconds without a heartbeat, watched by this process, after which another machine's process is dead
PROC = Path("/proc")


@dataclass(frozen=True)
class LockHolder:
    """A process that holds a lock.

    Attributes:
        inode: of the lock file; 0 from an older bnlab. The lock file in a copy of a study in training names a live
            process too, which holds the original.
        boot: boot id of the machine, because process ids are reused after a boot, and because machines may have the
            same name; "" if unknown.
        birth: start of the process in kernel ticks, because process ids are reused; "" if unknown.
        namespace: of its process id, which differs between containers; "" if unknown.
        since: when it took the lock (Unix seconds).
        token: distinguishes this lock from every other; "" from an older bnlab.
    """

    host: Annotated[str, AfterValidator(printable), Field(max_length=255)]
    pid: Annotated[int, Field(ge=1, lt=2**31)]
    boot: Annotated[str, Field(max_length=64)]
    birth: Annotated[str, Field(max_length=64)]
    since: Annotated[float, Field(ge=0, lt=2**33)]  # a year of four digits
    inode: Annotated[int, Field(ge=0)] = 0
    namespace: Annotated[str, Field(max_length=64)] = ""
    token: Annotated[str, Field(pattern="^[0-9a-f]{0,32}$")] = ""

    def __str__(self) -> str:
        return f"{self.host}, pid {self.pid}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.since))}"

    def json(self) -> str:
        """Return the content of the lock file."""
        return json.dumps(vars(self))

    @property
    def is_here(self) -> bool:
        """Whether its process id has a meaning in this process."""
        here = (self.host, self.boot) == (socket.gethostname(), _boot())
        return here and self.namespace in ("", _namespace())


_HOLDER = TypeAdapter(LockHolder)


def this_process(inode: int = 0, token: str = "") -> LockHolder:
    """Return this process as the holder, from now on, of the lock with this inode."""
    pid = os.getpid()
    birth = _own_birth(pid, PROC)
    return LockHolder(socket.gethostname(), pid, _boot(), birth, time.time(), inode, _namespace(), token)


@lru_cache(maxsize=1)  # a fork has another process id
def _own_birth(pid: int, proc: Path) -> str:  # noqa: ARG001 - keys of the cache
    return _birth(pid) or ""


@dataclass(frozen=True)
class Mark:
    """State of a lock file.

    Attributes:
        device, inode: which file it is.
        beat: its modification time in ns.
        size: in bytes.
        holder: None if its content names none: damaged, or released by an older bnlab.
        is_readable: whether this process may read it.
    """

    device: int
    inode: int
    beat: int
    size: int
    holder: LockHolder | None
    is_readable: bool = True

    @property
    def key(self) -> str:
        """A name of this lock that no other has."""
        return self.holder.token if self.holder is not None and self.holder.token else f"{self.inode:x}-{self.beat:x}"

    def is_stale(self) -> bool:
        """Return whether its holder is dead, or there is none."""
        if self.is_readable and (self.holder is None or self.holder.inode not in (0, self.inode)):
            return True
        if self.holder is not None and self.holder.is_here:
            return self.holder.birth != _birth(self.holder.pid)
        return _unchanged(self) >= STALE


_SEEN: dict[tuple[int, int], tuple[Mark, float]] = {}  # marks of other machines, and when this process first saw them


def _unchanged(mark: Mark) -> float:
    """Return how long this process has seen a lock file in this state, in seconds."""
    seen, since = _SEEN.get((mark.device, mark.inode), (None, 0.0))
    if seen != mark:
        since = time.monotonic()
        _SEEN[mark.device, mark.inode] = (mark, since)
    return time.monotonic() - since


def marked(path: Path) -> Mark | None:
    """Return the state of a lock file; None if there is none, or something else is in its place."""
    holder, is_readable = None, True
    try:
        with reading(path, LARGEST) as file:
            found = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        return None
    except Unreadable:
        try:
            found = path.stat()
        except OSError:
            return None
        is_readable = found.st_size > LARGEST
    else:
        with suppress(ValidationError):
            holder = _HOLDER.validate_json(content)
    return Mark(found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, holder, is_readable)


def lock_holder(folder: Path) -> LockHolder | None:
    """Return who holds the folder's lock, without taking it; None if nobody does, or its process is dead.

    The process of another machine counts as alive until this process has watched it for `STALE` seconds.
    """
    mark = marked(folder / NAME)
    return None if mark is None or mark.is_stale() else mark.holder


def _boot() -> str:
    return _boot_id(PROC)


@lru_cache(maxsize=1)  # constant while this process lives
def _boot_id(proc: Path) -> str:
    path = proc / "sys/kernel/random/boot_id"
    return path.read_text().strip() if path.exists() else ""


def _namespace() -> str:
    try:
        return str((PROC / "self/ns/pid").stat().st_ino)
    except OSError:  # not Linux, or hidden
        return ""


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
