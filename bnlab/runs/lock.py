"""One writer per folder: a lock that ends with its process, also on a disk that several machines share.

The lock is a file that names its holder (`LockHolder` as JSON) and is created by a hard link to a complete draft, which
succeeds for one process only, on every file system that machines share; no file is seen before its content. Its
modification time is a heartbeat. A lock whose holder is dead is taken over: whoever creates `NAME.TOKEN`, where TOKEN
is that of the dead lock, may rename it to `NAME`. There is one such name for each lock that ever existed, so no two
processes take over the same lock, and none takes over its successor.

`flock` is not used: many cluster file systems keep it local to a node. filelock (4.3) has leases of the same kind, but
takes over a dead lock by exchanging two names (renameat2), which NFS does not support.
"""

import errno
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bnlab.runs.files import Foreign, check_own
from bnlab.runs.lock_holder import NAME, STALE, LockHolder, Mark, marked, this_process

BEAT = 5.0  # seconds between heartbeats
CREATING = 10.0  # seconds that a process may take to write a file that it has created, where links do not exist

_WITHOUT_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Busy(Exception):
    """Error for a folder that another process is writing."""


class Lost(Busy):
    """Error for a lock that another process has taken over, because this one had stopped for too long."""


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
        claim = _claimed(folder / name)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        check_own(folder, folder=True)
        raise Foreign(f"{folder} cannot be written ({error.strerror}): fix that and repeat the command") from None
    _HELD.add(claim)
    try:
        yield
    finally:
        _HELD.release(claim)


def ensure_held(folder: Path) -> None:
    """Check, before writing, that a lock of this process still belongs to it.

    Raises:
        Lost: another process has taken it over.
    """
    _HELD.check(folder / NAME)


class Claim:
    """A lock of this process.

    Attributes:
        handle: descriptor of the lock file, so that its inode is not reused.
        beaten: when its last heartbeat succeeded, on the monotonic clock.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self.handle = path, handle
        self.beaten = time.monotonic()
        self.is_lost = False

    def beat(self) -> None:
        """Show that this process is alive; a failed attempt counts as missed."""
        with suppress(OSError):
            os.utime(self.handle)
            self.is_lost = not self.is_in_place()
            self.beaten = time.monotonic()

    def is_in_place(self) -> bool:
        """Return whether the lock file is still that of this process; also if its folder was removed."""
        try:
            return os.path.samestat(os.fstat(self.handle), self.path.stat())
        except FileNotFoundError:
            return not self.path.parent.exists()

    def release(self) -> None:
        """Remove the lock file, unless another process may be taking it over."""
        if time.monotonic() - self.beaten > STALE / 2:
            self.beat()
        with suppress(OSError):
            if not self.is_lost and self.is_in_place():
                self.path.unlink()
        os.close(self.handle)


def _claimed(path: Path) -> Claim:
    """Return a new claim to a lock.

    Raises:
        Busy: another process holds it.
    """
    check_own(path)
    if (claim := _created(path)) is not None:
        return claim
    before = marked(path)
    if before is None or not before.is_stale() or _is_being_created(before, path.parent):
        raise _busy(path.parent, None if before is None else before.holder)
    claim = _claimed(path.with_name(f"{path.name}.{before.key}"))
    if marked(path) != before:  # its holder was not dead, or another process was faster
        claim.release()
        raise _busy(path.parent, None)
    claim.path = claim.path.replace(path)
    return claim


def _created(path: Path) -> Claim | None:
    """Create a lock file that names this process; return None if the file exists."""
    token = secrets.token_hex(8)
    draft = path.with_name(f"{NAME}.{token}.new")
    try:
        _write(draft, token)
        try:
            os.link(draft, path)
        except FileExistsError:  # also if NFS repeats a request that has succeeded, in which case the token is ours
            pass
        except OSError as error:
            if error.errno not in _WITHOUT_LINKS:
                raise
            with suppress(FileExistsError):
                _write(path, token)
    finally:
        draft.unlink(missing_ok=True)
    mark = marked(path)
    if mark is None or mark.holder is None or mark.holder.token != token:
        return None
    return Claim(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))


def _write(path: Path, token: str) -> None:
    """Create a lock file; closing it makes its content visible to other machines.

    Raises:
        FileExistsError: it exists.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, 0o600 | (path.parent.stat().st_mode & 0o066))  # others who may lock must read it
        file.write(this_process(os.fstat(handle).st_ino, token).json().encode())


def _is_being_created(mark: Mark, folder: Path) -> bool:
    """Return whether an empty file may be about to be written: without hard links, it is seen before its content.

    Both times are the file system's: a draft has just been created in the folder.
    """
    return mark.size == 0 and abs(folder.stat().st_mtime_ns - mark.beat) < CREATING * 1e9


def _busy(folder: Path, by: LockHolder | None) -> Busy:
    return Busy(f"{folder} is being trained by another process" + (f" ({by})" if by else ""))


class _Held:
    """Locks that this process holds, and the thread that keeps up their heartbeats."""

    def __init__(self) -> None:
        self._claims: dict[Path, Claim] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def forget(self) -> None:
        """Leave the parent's locks to it, in a forked process."""
        for claim in self._claims.values():
            os.close(claim.handle)
        self.__dict__ |= _Held().__dict__  # the thread is not forked, and the guard may be locked

    def add(self, claim: Claim) -> None:
        with self._guard:
            self._claims[claim.path] = claim
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def release(self, claim: Claim) -> None:
        with self._guard:
            if self._claims.get(claim.path) is claim:  # not in a fork
                del self._claims[claim.path]
                claim.release()

    def check(self, path: Path) -> None:
        claim = self._claims.get(path)
        if claim is None:
            return
        if time.monotonic() - claim.beaten > STALE / 2:  # this process was stopped, and the thread has not beaten yet
            claim.beat()
        if claim.is_lost:
            raise Lost(
                f"{path.parent}: another process has taken over this run, because for over {STALE:g} s it saw no sign "
                "of life from this one"
            )

    def _run(self) -> None:
        while True:
            time.sleep(BEAT)
            with self._guard:
                for claim in self._claims.values():
                    claim.beat()


_HELD = _Held()
os.register_at_fork(after_in_child=_HELD.forget)
