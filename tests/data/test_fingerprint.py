"""Fingerprints of files."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.data import fingerprint
from bnlab.errors import BadInput


def files(root: Path, **content: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (root / name).write_text(text)
    return root


def test_it_is_of_names_and_content_but_not_of_the_place(tmp_path: Path) -> None:
    here = fingerprint.of_files(files(tmp_path / "here", a="1", b="23"), ["a", "b"])
    assert fingerprint.of_files(files(tmp_path / "there" / "deep", a="1", b="23"), ["b", "a"]) == here
    assert len(here) == 32
    for change in ({"a": "1", "b": "24"}, {"a": "12", "b": "3"}, {"b": "1", "a": "23"}):
        assert fingerprint.of_files(files(tmp_path / "other", **change), ["a", "b"]) != here
    assert fingerprint.of_files(files(tmp_path / "named", a="1", c="23"), ["a", "c"]) != here


def test_unchanged_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = files(tmp_path / "x", a="1")
    first = fingerprint.of_files(root, ["a"])
    monkeypatch.setattr(fingerprint, "_content", lambda *_: pytest.fail("read again"))
    assert fingerprint.of_files(root, ["a"]) == first


def test_a_change_of_content_with_size_and_time_kept_is_seen(tmp_path: Path) -> None:
    root = files(tmp_path / "x", a="1")
    first, times = fingerprint.of_files(root, ["a"]), (root / "a").stat()
    files(root, a="2")
    os.utime(root / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert fingerprint.of_files(root, ["a"]) != first


def test_two_folders_with_equal_sizes_and_times_are_told_apart(tmp_path: Path) -> None:
    one, other = files(tmp_path / "one", a="1"), files(tmp_path / "other", a="2")
    for root in (one, other):
        os.utime(root / "a", ns=(0, 0))
    assert fingerprint.of_files(one, ["a"]) != fingerprint.of_files(other, ["a"])


DAMAGE = {
    "cut": lambda text: text[:7],
    "without its checksum": lambda text: text[:32],
    "zeroed": lambda text: "0" * len(text),
    "another digest": lambda text: "0" * 32 + text[32:],
    "longer": lambda text: text + "0",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_memory_is_not_believed(tmp_path: Path, cache_home: Path, damage: Callable[[str], str]) -> None:
    root = files(tmp_path / "x", a="1")
    first = fingerprint.of_files(root, ["a"])
    (memory,) = (cache_home / "bnlab" / "fingerprints").iterdir()
    written = memory.read_text()
    memory.write_text(damage(written))
    assert fingerprint.of_files(root, ["a"]) == first
    assert memory.read_text() == written


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read .*/gone \(No such file"):
        fingerprint.of_files(tmp_path, ["gone"])


def test_the_fingerprint_stays_what_it_is(tmp_path: Path) -> None:
    expected = hashlib.blake2b(b"1 a 1\n11 b 2\n23", digest_size=16).hexdigest()
    assert fingerprint.of_files(files(tmp_path, a="1", b="23"), ["b", "a"]) == expected


def test_files_may_lie_elsewhere_than_their_names_say(tmp_path: Path) -> None:
    usual = fingerprint.of_files(files(tmp_path / "x", a="1"), ["a"])
    assert fingerprint.of_files(files(tmp_path / "y", b="1"), ["a"], at={"a": "b"}) == usual
    packed = fingerprint.of_files(
        files(tmp_path / "z", b="packed"), ["a"], at={"a": "b"}, content=lambda path: (1, [b"", b"1"])
    )
    assert packed == usual


def test_a_version_makes_another(tmp_path: Path) -> None:
    root = files(tmp_path / "x", a="1")
    found = {fingerprint.of_files(root, ["a"], version=version) for version in ("", "1", "2")}
    assert len(found) == 3
    assert {fingerprint.of_files(root, ["a"], version=version) for version in ("", "1", "2")} == found


@pytest.mark.parametrize("name", [b"caf\xe9", b"\x1b[31m", b"two\nlines", "é".encode()])
def test_names_may_have_any_bytes(name: bytes, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(name)).write_text("1")
    first = fingerprint.of_files(tmp_path, [os.fsdecode(name)])
    raw = b"%d %b 1\n1" % (len(name), name)
    assert first == hashlib.blake2b(raw, digest_size=16).hexdigest()
    assert fingerprint.of_files(tmp_path, [os.fsdecode(name)]) == first


def test_large_files_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = files(tmp_path, a="x" * 1000)
    whole = fingerprint.of_files(root, ["a"])
    monkeypatch.setattr(fingerprint, "BLOCK", 7)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert fingerprint.of_files(root, ["a"]) == whole


@pytest.mark.usefixtures("nobody")
def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    os.seteuid(os.getuid())
    (files(tmp_path, a="1") / "a").chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(BadInput, match=r"cannot read .*/a \(Permission denied\): check data.root and its permissions"):
        fingerprint.of_files(tmp_path, ["a"])


@pytest.mark.parametrize("make", ["fifo", "link", "folder"])
def test_what_is_no_file_in_the_place_of_a_memory_is_left_alone(make: str, tmp_path: Path, cache_home: Path) -> None:
    root = files(tmp_path / "x", a="1")
    first = fingerprint.of_files(root, ["a"])
    (memory,) = (cache_home / "bnlab" / "fingerprints").iterdir()
    memory.unlink()
    match make:
        case "fifo":
            os.mkfifo(memory)
        case "link":
            memory.symlink_to(files(tmp_path / "y", f="0" * 32) / "f")
        case "folder":
            memory.mkdir()
    assert fingerprint.of_files(root, ["a"]) == first
    assert (memory.is_fifo(), memory.is_symlink(), memory.is_dir()) == (
        make == "fifo",
        make == "link",
        make == "folder",
    )


def test_old_memories_are_forgotten(tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MOST_REMEMBERED", 3)
    for k in range(6):
        fingerprint.of_files(files(tmp_path / str(k), a="1"), ["a"])
    assert len(list((cache_home / "bnlab" / "fingerprints").iterdir())) == 3
