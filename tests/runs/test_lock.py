"""One writer a run folder, and who it is."""

import contextlib
import errno
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlab.runs import lock as locks
from bnlab.runs import lock_holder as holders
from bnlab.runs.files import Foreign
from bnlab.runs.lock import Busy, Lost, ensure_held, lock
from bnlab.runs.lock_holder import NAME, STALE, LockHolder, lock_holder, marked, this_process
from tests.runs.rivals import FOLDERS, compete, outcome

ROOT = Path(__file__).parents[2]


def write(folder: Path, age: float = 0.0, name: str = NAME, **facts: object) -> None:
    """A lock as another process left it, last touched `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    (folder / name).touch()
    inode = (folder / name).stat().st_ino
    (folder / name).write_text(json.dumps(json.loads(this_process(inode).json()) | facts))
    now = time.time()
    os.utime(folder / name, (now - age, now - age))


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
    assert list(tmp_path.iterdir()) == []
    with lock(tmp_path):
        pass


class Clock:
    """The monotonic clock, which a test can set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead, now = 0.0, time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: now() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(holders, "_SEEN", {})
    return Clock(monkeypatch)


@pytest.mark.parametrize("age", [0, 3600, -3600, 1e9])
def test_another_machines_lock_is_respected_until_it_was_silent_for_a_minute(
    tmp_path: Path, clock: Clock, age: float
) -> None:
    write(tmp_path, age=age, host="elsewhere", pid=7)
    for ahead in (0.0, STALE - 1):
        clock.ahead = ahead
        with pytest.raises(Busy, match="elsewhere, pid 7"), lock(tmp_path):
            pass
        found = lock_holder(tmp_path)
        assert found is not None
        assert found.host == "elsewhere"
    clock.ahead = STALE + 1
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        found = lock_holder(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_heartbeat_counts_however_wrong_its_clock(tmp_path: Path, clock: Clock) -> None:
    for age in (3600, -3600, 3599, 0):
        write(tmp_path, age=age, host="elsewhere", pid=7)
        assert lock_holder(tmp_path) is not None
        clock.ahead += STALE - 1
    assert lock_holder(tmp_path) is not None
    clock.ahead += 2
    assert lock_holder(tmp_path) is None


def test_a_machine_of_the_same_name_is_another(tmp_path: Path, clock: Clock) -> None:
    for facts in ({"boot": "of another machine"}, {"namespace": "of a container"}):
        write(tmp_path, pid=2**22 + 1, **facts)
        assert lock_holder(tmp_path) is not None


def test_a_refusal_that_is_kept_does_not_hold_the_lock(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, host="elsewhere", pid=7)
    with pytest.raises(Busy) as kept, lock(tmp_path):  # with the frames of its traceback
        pass
    clock.ahead = STALE
    with lock(tmp_path):
        assert kept.value.__traceback__ is not None


@pytest.mark.parametrize("woken", ["it beats", "it releases", "another takes over"])
def test_a_lock_that_changes_while_it_is_taken_over_is_left(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, woken: str
) -> None:
    write(tmp_path, host="elsewhere", pid=7)
    assert lock_holder(tmp_path) is not None
    clock.ahead = STALE
    created = locks._created

    def late(path: Path) -> Any:
        if path.name != NAME:  # the claim to the dead lock
            if woken == "it beats":
                os.utime(tmp_path / NAME)
            else:
                (tmp_path / NAME).unlink()
            if woken == "another takes over":
                write(tmp_path, host="third", pid=8, token="3" * 16)
        return created(path)

    with monkeypatch.context() as patched:
        patched.setattr(locks, "_created", late)
        with pytest.raises(Busy), lock(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ([] if woken == "it releases" else [NAME])
    found = lock_holder(tmp_path)
    assert (found and found.host) == {"it beats": "elsewhere", "it releases": None, "another takes over": "third"}[
        woken
    ]


def test_a_claim_to_a_dead_lock_whose_process_is_dead_too_is_taken_over(tmp_path: Path) -> None:
    write(tmp_path, pid=2**22 + 1, token="1" * 16)
    write(tmp_path, name=f"{NAME}.{'1' * 16}", pid=2**22 + 2, token="2" * 16)
    with lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_claim_to_a_dead_lock_by_a_living_process_is_respected(tmp_path: Path) -> None:
    write(tmp_path, pid=2**22 + 1, token="1" * 16)
    write(tmp_path, name=f"{NAME}.{'1' * 16}", token="2" * 16)
    with pytest.raises(Busy, match=f"pid {os.getpid()}"), lock(tmp_path):
        pass


def test_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with lock(tmp_path):
        assert lock_holder(tmp_path) is not None
        with pytest.raises(Busy), lock(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_who_lost_its_lock_writes_no_more_and_leaves_it(tmp_path: Path, clock: Clock) -> None:
    with lock(tmp_path):
        ensure_held(tmp_path)
        other = tmp_path / "other"
        write(other, host="elsewhere", pid=7)
        (other / NAME).replace(tmp_path / NAME)
        ensure_held(tmp_path)  # between two heartbeats it cannot know
        clock.ahead = STALE / 2 + 1
        with pytest.raises(Lost, match="no sign of life from this one"):
            ensure_held(tmp_path)
    found = lock_holder(tmp_path)
    assert found is not None
    assert found.host == "elsewhere"
    ensure_held(tmp_path)  # it is not held any more


def test_a_removed_folder_is_not_lost_to_another(tmp_path: Path, clock: Clock) -> None:
    with lock(tmp_path / "run"):
        shutil.rmtree(tmp_path / "run")
        clock.ahead = STALE
        ensure_held(tmp_path / "run")


@pytest.mark.parametrize("facts", [{"birth": "1"}, {"pid": 2**22 + 1}])
def test_what_no_living_process_of_this_machine_holds_is_taken_over(tmp_path: Path, facts: dict[str, object]) -> None:
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
    os.utime(tmp_path / NAME, (1e9, 1e9))
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


def test_a_new_empty_file_may_be_about_to_name_its_holder(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    with pytest.raises(Busy), lock(tmp_path):
        pass


def test_bytes_that_are_no_text_are_no_holder(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(bytes(range(256)))
    assert lock_holder(tmp_path) is None
    with lock(tmp_path):
        pass


@given(st.binary(min_size=1, max_size=100))
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
    def refused(path: Path, token: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(locks, "_write", refused)
    with pytest.raises(Foreign, match=r"cannot be written \(Permission denied\)"), lock(tmp_path):
        pass


def test_a_copy_of_a_study_that_trains_is_not_held(tmp_path: Path) -> None:
    with lock(tmp_path / "run"):
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        assert lock_holder(tmp_path / "run") is not None
        assert lock_holder(tmp_path / "copy") is None
        with lock(tmp_path / "copy"):
            pass


def test_a_lock_of_an_older_bnlab_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7, inode=0, token="", namespace="")
    with pytest.raises(Busy, match="elsewhere"), lock(tmp_path):
        pass


def test_a_lock_without_an_inode_is_honoured(tmp_path: Path) -> None:
    write(tmp_path, host="elsewhere", pid=7)
    facts = json.loads((tmp_path / NAME).read_text())
    del facts["inode"]
    (tmp_path / NAME).write_text(json.dumps(facts))
    with pytest.raises(Busy, match="elsewhere"), lock(tmp_path):
        pass


def held_by(folder: Path) -> LockHolder | None:
    mark = marked(folder / NAME)
    assert mark is not None
    return mark.holder


@pytest.mark.parametrize(
    ("fact", "inside", "outside"),
    [("host", "a" * 255, "a" * 256), ("pid", 1, 0), ("pid", 2**31 - 1, 2**31), ("boot", "b" * 64, "b" * 65),
     ("birth", "1" * 64, "1" * 65), ("since", 0, -1), ("since", 2**33 - 1, 2**33), ("inode", 0, -1),
     ("namespace", "1" * 64, "1" * 65), ("token", "f" * 32, "f" * 33), ("token", "0", "../x")],
    ids=lambda value: str(value)[:10],
)  # fmt: skip
def test_the_limits_of_what_a_lock_file_may_hold(tmp_path: Path, fact: str, inside: object, outside: object) -> None:
    write(tmp_path, **{fact: inside})
    assert held_by(tmp_path) is not None
    write(tmp_path, **{fact: outside})
    assert held_by(tmp_path) is None


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
    def failing(*_: Any) -> None:
        raise OSError

    with lock(tmp_path):
        (claim,) = locks._HELD._claims.values()
        before = claim.beaten
        with monkeypatch.context() as patched:
            patched.setattr(os, "utime", failing)
            claim.beat()
        assert (claim.beaten, claim.is_lost) == (before, False)
        claim.beat()
        assert claim.beaten > before


SKEWS = (0.0, 3600.0, -3600.0, 1.0)  # of the clocks of four machines, in seconds


def dead_locks(root: Path) -> None:
    """Write locks of a machine that is gone."""
    for number in range(FOLDERS):
        write(root / f"{number:03}", host="gone", pid=7, token=f"{number:016x}")


@pytest.mark.parametrize("dead", [False, True], ids=["new folders", "locks of a dead machine"])
def test_machines_in_step_never_hold_a_folder_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: bool
) -> None:
    """What a job array does: its tasks start together, on machines that share nothing but the folder."""
    monkeypatch.setattr(holders, "STALE", 0.5)
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)  # as where it is local to a node
    if dead:
        dead_locks(tmp_path)
    start = time.time() + 2
    pids = [fork(partial(compete, tmp_path, f"n{n}", skew, start)) for n, skew in enumerate(SKEWS)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(SKEWS)
    assert outcome(tmp_path) == (FOLDERS, 0, 0)


def test_processes_of_two_host_names_never_hold_a_folder_together(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-u", "true"], capture_output=True).returncode:
        pytest.skip("host names cannot be changed here (unshare -u)")
    dead_locks(tmp_path)
    command = f"exec {shlex.quote(sys.executable)} -m tests.runs.rivals {shlex.quote(str(tmp_path))}"
    start = time.time() + 20  # importing takes a while
    rivals = [
        subprocess.Popen(["unshare", "-u", "sh", "-c", f"hostname n{n}; {command} {skew} {start}"], cwd=ROOT)
        for n, skew in enumerate(SKEWS[:2])
    ]
    assert [rival.wait() for rival in rivals] == [0, 0]
    assert outcome(tmp_path) == (FOLDERS, 0, 0)
