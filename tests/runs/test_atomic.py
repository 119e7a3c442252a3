"""A file is replaced whole or not at all."""

import os
from pathlib import Path

import pytest

from bnlab.runs.atomic import write_atomic


def test_replaces_text_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, "é\n")
    assert path.read_text(encoding="utf-8") == "é\n"
    write_atomic(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_failure_leaves_the_old_content_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    write_atomic(path, "old")

    def full_disk(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
