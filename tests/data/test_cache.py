"""The cache of decoded arrays."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnlab.data import cache
from bnlab.data.base import Arrays

from .test_base import GOOD


def never() -> Arrays:
    raise AssertionError("decoded although a copy is kept")


def same(one: Arrays, other: Arrays) -> bool:
    facts = ("task", "classes", "outputs", "class_names")
    arrays = ("train_x", "train_y", "test_x", "test_y", "val_x", "val_y")
    return all(getattr(one, name) == getattr(other, name) for name in facts) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def entry(home: Path) -> Path:
    (path,) = (home / "bnlab" / "arrays").iterdir()
    return path


REGRESSION = Arrays(
    train_x=np.ones((2, 3), np.float32),
    train_y=np.ones((2, 4), np.float32),
    test_x=np.ones((1, 3), np.float32),
    test_y=np.ones((1, 4), np.float32),
    task="regression",
    classes=None,
    outputs=4,
    class_names=(),
)


@pytest.mark.parametrize("arrays", [GOOD, REGRESSION, replace(GOOD, val_x=GOOD.test_x, val_y=GOOD.test_y)])
def test_a_kept_copy_equals_what_was_decoded(arrays: Arrays) -> None:
    assert cache.decoded({"key": 1}, lambda: arrays) is arrays
    kept = cache.decoded({"key": 1}, never)
    assert same(kept, arrays)
    assert kept.train_x.dtype == arrays.train_x.dtype


def test_another_key_is_decoded() -> None:
    cache.decoded({"key": 1}, lambda: GOOD)
    assert cache.decoded({"key": 2}, lambda: REGRESSION) is REGRESSION


def test_no_temporary_file_stays(cache_home: Path) -> None:
    cache.decoded({"key": 1}, lambda: GOOD)
    assert entry(cache_home).suffix == ".npz"


@pytest.mark.parametrize("damage", ["truncated", "empty", "page", "flipped", "pickle"])
def test_a_damaged_entry_is_replaced(damage: str, cache_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache.decoded({"key": 1}, lambda: GOOD)
    path = entry(cache_home)
    good = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(good[: len(good) // 2])
        case "empty":
            path.write_bytes(b"")
        case "page":
            path.write_bytes(b"<!DOCTYPE html>")
        case "flipped":
            middle = good.index(GOOD.train_y.tobytes())
            path.write_bytes(good[:middle] + b"\x07" + good[middle + 1 :])
        case "pickle":
            np.savez(path, train_x=np.array([object()]))
    with caplog.at_level(logging.WARNING):
        assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert "is damaged" in caplog.text
    assert same(cache.decoded({"key": 1}, never), GOOD)


def test_a_cache_that_cannot_be_written_is_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert "cannot keep decoded data" in caplog.text


def test_a_failed_write_leaves_nothing(cache_home: Path) -> None:
    def full(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    cache.keep(cache_home / "bnlab" / "arrays" / "x.npz", full)
    assert list((cache_home / "bnlab" / "arrays").iterdir()) == []


@pytest.mark.parametrize("value", ["", None])
def test_the_cache_is_in_the_home_folder_by_default(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache.folder() == Path("~/.cache/bnlab").expanduser()
