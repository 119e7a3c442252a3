"""One writer a run folder: who may hold a lock, and what becomes of it if its holder dies."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs import lock as locks
from bnlab.runs import lock_holder as holders
from bnlab.runs.lock import Busy, Lost, ensure_held, lock
from bnlab.runs.lock_holder import NAME, STALE, lock_holder
from tests.runs.processes import fork, until, write


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
