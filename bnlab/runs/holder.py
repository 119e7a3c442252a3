"""Who holds a run folder's lock, as its file says, and whether that process lives."""

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = ".lock"
STALE = 60.0  # seconds without a heartbeat after which another host's process counts as gone
PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock.

    Attributes:
        boot: the host's boot id, for a process id means nothing after the next boot; "" where there is none.
        birth: when the process began, in the kernel's ticks, for ids are used again; "" where that is not told.
        since: when it took the lock (seconds, Unix).
    """

    host: str
    pid: int
    boot: str
    birth: str
    since: float

    def __str__(self) -> str:
        return f"{self.host}, pid {self.pid}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.since))}"

    def json(self) -> str:
        """What the lock's file holds."""
        return json.dumps(asdict(self))


def this_process() -> Holder:
    """This process, as a holder from now on."""
    return Holder(socket.gethostname(), os.getpid(), _boot(), _birth(os.getpid()) or "", time.time())


def holder(folder: Path) -> Holder | None:
    """Who holds the folder's lock. Takes no lock to find out, and so is in nobody's way."""
    found = written(folder)
    if found is None or found.host != socket.gethostname():
        return found if found is not None and is_fresh(folder) else None
    return found if found.boot == _boot() and found.birth == _birth(found.pid) else None


def written(folder: Path) -> Holder | None:
    """What the lock's file says; null where it was given back, or torn by the end of the one who wrote it."""
    try:
        return Holder(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def is_fresh(folder: Path) -> bool:
    """Whether the lock's heartbeat goes on; hosts that share a folder are taken to agree on the time."""
    return time.time() - (folder / NAME).stat().st_mtime < STALE


def _boot() -> str:
    path = PROC / "sys/kernel/random/boot_id"
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
