"""Who holds a lock, by what its file says, whatever that is."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlab.runs import lock as locks
from bnlab.runs import lock_holder as holders
from bnlab.runs.files import Foreign
from bnlab.runs.lock import Busy, lock
from bnlab.runs.lock_holder import NAME, LockHolder, lock_holder, marked, this_process
from tests.runs.processes import write


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
