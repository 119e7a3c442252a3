"""One writer a run folder, and who it is."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlab.runs import lock as locks
from bnlab.runs import lock_holder as holders
from bnlab.runs.files import Foreign
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME, STALE, lock_holder, this_process


def write(folder: Path, age: float = 0.0, **facts: object) -> None:
    """A lock as another process left it, last touched `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    (folder / NAME).touch()
    inode = (folder / NAME).stat().st_ino
    (folder / NAME).write_text(json.dumps(json.loads(this_process(inode).json()) | facts))
    now = time.time()
    os.utime(folder / NAME, (now - age, now - age))


def test_second_holder_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with lock(folder), pytest.raises(Busy, match="another process"), lock(folder):
        pass
    with lock(folder):
        pass


def test_busy_and_holder_name_the_process(tmp_path: Path) -> None:
    start = time.time()
    with lock(tmp_path):
        found = lock_holder(tmp_path)
        assert found is not None
        assert (found.host, found.pid) == (socket.gethostname(), os.getpid())
        assert start <= found.since <= time.time()
        with pytest.raises(Busy, match=rf"{socket.gethostname()}, pid {os.getpid()}, since 20"), lock(tmp_path):
            pass
    assert lock_holder(tmp_path) is None
    assert lock_holder(tmp_path / "nowhere") is None


def test_given_up_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        raise ZeroDivisionError
    assert (tmp_path / NAME).read_bytes() == b""
    with lock(tmp_path):
        pass


def test_another_hosts_lock_is_honoured_while_it_beats(tmp_path: Path) -> None:
    write(tmp_path, age=STALE / 2, host="elsewhere", pid=7)
    with pytest.raises(Busy, match="elsewhere, pid 7"), lock(tmp_path):
        pass
    found = lock_holder(tmp_path)
    assert found is not None
    assert found.host == "elsewhere"
    with pytest.raises(Busy), lock(tmp_path):  # having been refused leaves it as it was
        pass


def test_a_refusal_that_is_kept_does_not_hold_the_lock(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7)
    with pytest.raises(Busy) as kept, lock(tmp_path):  # with the frames of its traceback
        pass
    write(tmp_path, age=STALE + 1, host="elsewhere", pid=7)
    with lock(tmp_path):
        assert kept.value.__traceback__ is not None


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (59, True), (60, False), (-59, True), (-60, False)])
def test_a_heartbeat_is_recent_for_less_than_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, fresh: bool
) -> None:
    path = tmp_path / NAME
    path.touch()
    os.utime(path, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert holders.is_fresh(path) is fresh


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_removed_before_it_is_locked_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    flock = fcntl.flock

    def late(handle: BinaryIO, how: int) -> None:
        (tmp_path / NAME).unlink()
        if replaced:
            (tmp_path / NAME).touch()
        flock(handle, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", late)
        with pytest.raises(Busy), lock(tmp_path):
            pass
    with lock(tmp_path):
        pass


def test_another_hosts_lock_is_taken_over_once_stale(tmp_path: Path) -> None:
    write(tmp_path, age=STALE + 1, host="elsewhere", pid=7)
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        found = lock_holder(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()


@pytest.mark.parametrize("facts", [{"boot": "earlier"}, {"birth": "1"}, {"pid": 2**22 + 1}])
def test_what_no_living_process_of_this_boot_holds_is_taken_over(tmp_path: Path, facts: dict[str, object]) -> None:
    write(tmp_path, **facts)
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


def odd(**facts: object) -> str:
    return json.dumps(json.loads(this_process().json()) | facts)


ODD = {
    "nothing": "",
    "torn": "{",
    "a list": "[]",
    "too few keys": '{"host": "elsewhere"}',
    "zeros": "\0" * 200,
    "nested": "[" * 10_000,
    "a pid as a word": odd(pid="7"),
    "a pid of 40 digits": odd(pid=10**39),
    "pid 0": odd(pid=0),
    "a negative pid": odd(pid=-1),
    "since a word": odd(since="yesterday"),
    "since 1e999": odd(since=0).replace("0", "1e999"),
    "since the year 10^9": odd(since=1e20),
    "a host as a list": odd(host=["a"]),
    "a host of 1,000 letters": odd(host="a" * 1000),
    "a boot as a number": odd(boot=7),
    "an inode of a file elsewhere": odd(inode=1),
    "inode as a word": odd(inode="x"),
}


@pytest.mark.parametrize("content", ODD)
def test_odd_content_is_no_holder_and_makes_nobody_wait(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(ODD[content])
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


def test_bytes_that_are_no_text_are_no_holder(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(bytes(range(256)))
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


@given(st.binary(max_size=100))
def test_any_content_makes_nobody_wait(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / NAME).write_bytes(content)
    assert lock_holder(folder) is None
    with lock(folder):
        pass


@pytest.mark.parametrize(
    "way", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("a")]
)
def test_what_is_no_file_of_ours_is_one_line(tmp_path: Path, way: Callable[[Path], object]) -> None:
    way(tmp_path / NAME)
    assert lock_holder(tmp_path) is None
    with pytest.raises(Foreign, match=r"\.lock cannot be written"), lock(tmp_path):
        pass


@pytest.mark.parametrize("way", [os.mkfifo, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_folder_of_ours_is_one_line(tmp_path: Path, way: Callable[[Path], object]) -> None:
    way(tmp_path / "run")
    with pytest.raises(Foreign, match="did not create"), lock(tmp_path / "run"):
        pass


def test_a_folder_without_the_right_to_write_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, **options: bool) -> BinaryIO:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(locks, "open_own", refused)
    with pytest.raises(Foreign, match=r"cannot be written \(Permission denied\)"), lock(tmp_path):
        pass


def test_a_copy_of_a_study_that_trains_is_not_held(tmp_path: Path) -> None:
    with lock(tmp_path / "run"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        assert lock_holder(tmp_path / "run") is not None
        assert lock_holder(tmp_path / "copy") is None
        with lock(tmp_path / "copy"):
            pass


@pytest.mark.parametrize("age", [-STALE - 10, -86400.0, -1e9])
def test_a_heartbeat_of_the_future_is_none(tmp_path: Path, age: float) -> None:
    write(tmp_path, age=age, host="elsewhere", pid=7)
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


def test_a_lock_of_an_older_bnlab_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7, inode=0)
    with pytest.raises(Busy, match="elsewhere"), lock(tmp_path):
        pass


def test_a_lock_without_an_inode_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7)
    facts = json.loads((tmp_path / NAME).read_text())
    del facts["inode"]
    (tmp_path / NAME).write_text(json.dumps(facts))
    with pytest.raises(Busy, match="elsewhere"), lock(tmp_path):
        pass


@pytest.mark.parametrize(
    ("fact", "inside", "outside"),
    [("host", "a" * 255, "a" * 256), ("pid", 1, 0), ("pid", 2**31 - 1, 2**31), ("boot", "b" * 64, "b" * 65),
     ("birth", "1" * 64, "1" * 65), ("since", 0, -1), ("since", 2**33 - 1, 2**33), ("inode", 0, -1)],
    ids=lambda value: str(value)[:10],
)  # fmt: skip
def test_the_limits_of_what_a_lock_file_may_hold(tmp_path: Path, fact: str, inside: object, outside: object) -> None:
    write(tmp_path, **{fact: inside})
    assert holders.written(tmp_path / NAME) is not None
    write(tmp_path, **{fact: outside})
    assert holders.written(tmp_path / NAME) is None


def test_where_there_is_no_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "PROC", tmp_path / "proc")
    with lock(tmp_path):
        assert lock_holder(tmp_path) is not None
    write(tmp_path, pid=2**22 + 1)
    assert lock_holder(tmp_path) is None


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


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    def child() -> None:
        with lock(tmp_path):
            time.sleep(120)

    pid = fork(child)
    until(lambda: lock_holder(tmp_path) is not None)
    with pytest.raises(Busy, match=f"pid {pid}"), lock(tmp_path):
        pass
    os.kill(pid, signal.SIGKILL)
    until(lambda: lock_holder(tmp_path) is None)  # a zombie by now
    os.waitpid(pid, 0)
    with lock(tmp_path):
        pass


def test_a_forked_process_does_not_inherit_locks(tmp_path: Path) -> None:
    """Its parent gives the lock back, or dies, while it lives on; and its own end gives back nothing."""
    with lock(tmp_path / "a"):

        def child() -> None:
            with lock(tmp_path / "b"):
                time.sleep(120)

        pid = fork(child)
        until(lambda: lock_holder(tmp_path / "b") is not None)
    with lock(tmp_path / "a"):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with pytest.raises(Busy), lock(tmp_path / "a"):
            pass


def test_a_forked_process_has_its_own_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's thread is not forked, and the parent's guard may be locked at the fork."""
    monkeypatch.setattr(locks, "BEAT", 0.01)
    own = tmp_path / "b" / NAME

    def child() -> None:
        with lock(own.parent):
            os.utime(own, (0, 0))
            until(lambda: own.stat().st_mtime > 0)
            (tmp_path / "beats").touch()

    with lock(tmp_path / "a"):
        with locks._HELD._guard:
            pid = fork(child)
        try:
            until(lambda: os.waitpid(pid, os.WNOHANG) != (0, 0))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert (tmp_path / "beats").exists()


def test_leaving_a_lock_in_a_fork_leaves_it_to_the_parent(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock(tmp_path))
        assert os.waitpid(fork(stack.close), 0)[1] == 0
        assert lock_holder(tmp_path) is not None


def test_one_thread_keeps_the_locks_of_a_pack_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.01)
    monkeypatch.setattr(locks, "_HELD", locks._Held())
    folders, before = [tmp_path / str(n) for n in range(64)], set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        for folder in folders:
            stack.enter_context(lock(folder))
            os.utime(folder / NAME, (0, 0))
        until(lambda: all((folder / NAME).stat().st_mtime > time.time() - 60 for folder in folders))
        assert all(lock_holder(folder) is not None for folder in folders)
        assert [thread.name for thread in set(threading.enumerate()) - before] == ["heartbeat"]
    assert all(lock_holder(folder) is None for folder in folders)
    with lock(folders[0]):  # the thread outlives what is released
        os.utime(folders[0] / NAME, (0, 0))
        until(lambda: (folders[0] / NAME).stat().st_mtime > 0)


def test_a_failed_heartbeat_counts_as_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Over(Exception):
        """Ends the thread's loop."""

    this, sleep, utime = threading.current_thread(), time.sleep, os.utime
    pauses: list[float] = []
    beats: list[int] = []

    def paused(seconds: float) -> None:
        if threading.current_thread() is not this:  # the thread of other tests
            return sleep(seconds)
        pauses.append(seconds)
        if len(pauses) == 3:
            raise Over
        return None

    def beaten(handle: int) -> None:
        if threading.current_thread() is not this:
            return utime(handle)
        beats.append(handle)
        if len(beats) > 4:
            raise Over
        raise OSError

    held = locks._Held()
    with (tmp_path / "a").open("wb") as a, (tmp_path / "b").open("wb") as b:
        held._handles |= {a, b}
        with monkeypatch.context() as patched, pytest.raises(Over):
            patched.setattr(time, "sleep", paused)
            patched.setattr(os, "utime", beaten)
            held._run()
        assert pauses == [locks.BEAT] * 3
        assert sorted(beats) == sorted([a.fileno(), b.fileno()] * 2)
