"""Fingerprints of files."""

import os
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


def test_a_damaged_memory_is_not_believed(tmp_path: Path, cache_home: Path) -> None:
    root = files(tmp_path / "x", a="1")
    first = fingerprint.of_files(root, ["a"])
    (memory,) = (cache_home / "bnlab" / "fingerprints").iterdir()
    memory.write_text(first[:7])
    assert fingerprint.of_files(root, ["a"]) == first
    assert memory.read_text() == first


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read .*/gone \(No such file"):
        fingerprint.of_files(tmp_path, ["gone"])
