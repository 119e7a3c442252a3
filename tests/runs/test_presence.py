"""Who is at work in a study: the living, with the packs that each trains at once."""

import json
from pathlib import Path

import pytest

from bnlab.runs.presence import FOLDER, at_work, present


def test_those_at_work_are_counted_until_they_leave(tmp_path: Path) -> None:
    assert at_work(tmp_path) == []
    with present(tmp_path, 3):
        assert at_work(tmp_path) == [3]
        with present(tmp_path, 1):
            assert sorted(at_work(tmp_path)) == [1, 3]
        assert at_work(tmp_path) == [3]
    assert list(tmp_path.iterdir()) == []


def test_an_error_ends_it_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), present(tmp_path, 1):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_dead_are_not_counted_and_forgotten(tmp_path: Path) -> None:
    with present(tmp_path, 2):
        (own,) = (tmp_path / FOLDER).iterdir()
        holder = json.loads(own.read_text())
        dead = own.with_name(f"{'0' * 16}-5")
        dead.touch()
        # The process with this id has not been born then.
        dead.write_text(json.dumps(holder | {"birth": "1", "inode": dead.stat().st_ino}))
        assert at_work(tmp_path) == [2]
        assert not dead.exists()


def test_what_others_leave_there_is_no_worker(tmp_path: Path) -> None:
    with present(tmp_path, 2):
        for name in ("notes.txt", ".lock.0123456789abcdef.new", f"{'0' * 16}-0"):
            (tmp_path / FOLDER / name).touch()
        assert at_work(tmp_path) == [2]
        assert len(list((tmp_path / FOLDER).iterdir())) == 4
    assert (tmp_path / FOLDER / "notes.txt").exists()


def test_a_study_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), present(tmp_path / "gone", 1):
        pass
