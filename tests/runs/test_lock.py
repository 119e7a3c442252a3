"""One writer a run folder, and who it is."""

import contextlib
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.runs import holder as holders
from bnlab.runs import lock as locks
from bnlab.runs.files import Foreign
from bnlab.runs.holder import NAME, STALE, holder, this_process
from bnlab.runs.lock import Busy, lock


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
    with lock(tmp_path):
        found = holder(tmp_path)
        assert found is not None
        assert (found.host, found.pid) == (socket.gethostname(), os.getpid())
        assert time.time() - found.since < 60
        with pytest.raises(Busy, match=rf"{socket.gethostname()}, pid {os.getpid()}, since 20"), lock(tmp_path):
            pass
    assert holder(tmp_path) is None
    assert holder(tmp_path / "nowhere") is None


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
    found = holder(tmp_path)
    assert found is not None
    assert found.host == "elsewhere"
    with pytest.raises(Busy), lock(tmp_path):  # having been refused leaves it as it was
        pass


def test_another_hosts_lock_is_taken_over_once_stale(tmp_path: Path) -> None:
    write(tmp_path, age=STALE + 1, host="elsewhere", pid=7)
    assert holder(tmp_path) is None
    with lock(tmp_path):
        found = holder(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()


@pytest.mark.parametrize("facts", [{"boot": "earlier"}, {"birth": "1"}, {"pid": 2**22 + 1}])
def test_what_no_living_process_of_this_boot_holds_is_taken_over(tmp_path: Path, facts: dict[str, object]) -> None:
    write(tmp_path, **facts)
    assert holder(tmp_path) is None
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
    assert holder(tmp_path) is None
    with lock(tmp_path):
        pass


def test_bytes_that_are_no_text_are_no_holder(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(bytes(range(256)))
    assert holder(tmp_path) is None
    with lock(tmp_path):
        pass


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_content_makes_nobody_wait(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / NAME).write_bytes(content)
    assert holder(folder) is None
    with lock(folder):
        pass


@pytest.mark.parametrize(
    "way", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("a")]
)
def test_what_is_no_file_of_ours_is_one_line(tmp_path: Path, way: Callable[[Path], object]) -> None:
    way(tmp_path / NAME)
    assert holder(tmp_path) is None
    with pytest.raises(Foreign, match=r"\.lock cannot be written"), lock(tmp_path):
        pass


def test_a_copy_of_a_study_that_trains_is_not_held(tmp_path: Path) -> None:
    with lock(tmp_path / "run"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        assert holder(tmp_path / "run") is not None
        assert holder(tmp_path / "copy") is None
        with lock(tmp_path / "copy"):
            pass


@pytest.mark.parametrize("age", [-STALE - 10, -86400.0, -1e9])
def test_a_heartbeat_of_the_future_is_none(tmp_path: Path, age: float) -> None:
    write(tmp_path, age=age, host="elsewhere", pid=7)
    assert holder(tmp_path) is None
    with lock(tmp_path):
        pass


def test_a_lock_of_an_older_bnlab_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7, inode=0)
    with pytest.raises(Busy, match="elsewhere"), lock(tmp_path):
        pass


def test_where_there_is_no_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "PROC", tmp_path / "proc")
    with lock(tmp_path):
        assert holder(tmp_path) is not None
    write(tmp_path, pid=2**22 + 1)
    assert holder(tmp_path) is None


def fork(child: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            child()
        os._exit(0)
    return pid


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise TimeoutError


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    def child() -> None:
        with lock(tmp_path):
            time.sleep(60)

    pid = fork(child)
    until(lambda: holder(tmp_path) is not None)
    with pytest.raises(Busy, match=f"pid {pid}"), lock(tmp_path):
        pass
    os.kill(pid, signal.SIGKILL)
    until(lambda: holder(tmp_path) is None)  # a zombie by now
    os.waitpid(pid, 0)
    with lock(tmp_path):
        pass


def test_a_forked_process_does_not_inherit_locks(tmp_path: Path) -> None:
    """Its parent gives the lock back, or dies, while it lives on; and its own end gives back nothing."""
    with lock(tmp_path / "a"):

        def child() -> None:
            with lock(tmp_path / "b"):
                time.sleep(60)

        pid = fork(child)
        until(lambda: holder(tmp_path / "b") is not None)
    with lock(tmp_path / "a"):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with pytest.raises(Busy), lock(tmp_path / "a"):
            pass


def test_leaving_a_lock_in_a_fork_leaves_it_to_the_parent(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock(tmp_path))
        os.waitpid(fork(stack.close), 0)
        assert holder(tmp_path) is not None


def test_one_thread_keeps_the_locks_of_a_pack_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.01)
    monkeypatch.setattr(locks, "_HELD", locks._Held())
    folders = [tmp_path / str(n) for n in range(64)]
    with contextlib.ExitStack() as stack:
        for folder in folders:
            stack.enter_context(lock(folder))
            os.utime(folder / NAME, (0, 0))
        until(lambda: all((folder / NAME).stat().st_mtime > time.time() - 60 for folder in folders))
        assert all(holder(folder) is not None for folder in folders)
    assert all(holder(folder) is None for folder in folders)
