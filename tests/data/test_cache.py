"""The cache of decoded arrays."""

import logging
import os
import zipfile
from collections.abc import Callable
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


@pytest.mark.parametrize("damage", ["truncated", "empty", "page", "flipped", "pickle", "compressed", "another's"])
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
        case "compressed":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("train_x.npy", bytes(1 << 20))
        case "another's":
            cache.decoded({"key": 2}, lambda: REGRESSION)
            (other,) = set(path.parent.iterdir()) - {path}
            other.replace(path)
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
    assert "cannot cache decoded data" in caplog.text


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


@pytest.mark.parametrize("value", [".cache", "~/cache", "a/../b", "\udcff"])
def test_a_relative_cache_home_is_ignored(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache.folder() == Path("~/.cache/bnlab").expanduser()


@pytest.mark.parametrize("home", [None, "relative"])
def test_without_a_home_folder_there_is_no_cache(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    if home is not None:
        monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("made a folder"))
    assert cache.folder() is None
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD


PLACES = ["/dev/null", "/proc/nothing", "/" + "x" * 300, "/nowhere\x1b[31m/\udcff" + "y" * 5000]


@pytest.mark.parametrize("place", PLACES)
def test_a_cache_home_of_rubbish_is_said_and_passed_over(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", place)
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert "cannot cache decoded data in" in caplog.text
    assert all(record.message.isprintable() for record in caplog.records)


@pytest.mark.usefixtures("nobody")
def test_a_cache_that_may_not_be_written(cache_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    if os.access(cache_home, os.W_OK, effective_ids=True):
        cache_home.chmod(0o500)
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert "(Permission denied): it is decoded again each time" in caplog.text


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def dead_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("gone"))


def device(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


def directory(path: Path, _: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [fifo, link, dead_link, device, directory])
def test_what_is_no_file_in_an_entrys_place_is_left_alone(
    make: Callable[[Path, Path], None], cache_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.decoded({"key": 1}, lambda: GOOD)
    path, victim = entry(cache_home), tmp_path / "victim"
    victim.write_bytes(path.read_bytes())
    path.unlink()
    make(path, victim)
    before = path.lstat()
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert path.lstat().st_ino == before.st_ino
    assert sorted(file.name for file in tmp_path.iterdir()) == ["victim"], "nothing was written through a link"
    assert "there is not a regular file" in caplog.text
    assert len(list(path.parent.iterdir())) == 1


def test_entries_used_longest_ago_are_removed(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.decoded({"key": 0}, lambda: GOOD)
    size = entry(cache_home).stat().st_size
    monkeypatch.setattr(cache, "MOST_BYTES", 4 * size)
    paths = {0: entry(cache_home)}
    for key in (1, 2, 3):
        known = set(paths.values())
        cache.decoded({"key": key}, lambda: GOOD)
        (paths[key],) = set(paths[0].parent.iterdir()) - known
    for key, path in paths.items():
        os.utime(path, (1000 + key, 1000 + key))
    cache.decoded({"key": 0}, never)  # used: now the youngest
    cache.decoded({"key": 4}, lambda: GOOD)
    assert {key for key, path in paths.items() if path.exists()} == {0, 2, 3}


def test_pruning_touches_only_what_is_ours(tmp_path: Path) -> None:
    ours = [f"{k:032x}.npz" for k in range(3)] + [f"{9:032x}", f"{9:032x}.abc_1.tmp", f"{9:032x}.abc_1.tmp.npz"]
    young = f"{8:032x}.abc_1.tmp.npz"
    others = ["notes.txt", "x.npz", f"{1:031x}.npz", f"{1:032x}.csv", f"{1:033x}", "tmpabc.npz", f"{15:032X}"]
    for name in (*ours, *others, young):
        (tmp_path / name).write_bytes(b"12345")
        if name != young:
            os.utime(tmp_path / name, (1, 1))
    (tmp_path / f"{7:032x}").symlink_to(tmp_path / "notes.txt")
    (tmp_path / f"{6:032x}.npz").mkdir()
    cache.prune(tmp_path, most_bytes=0)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*others, young, f"{7:032x}", f"{6:032x}.npz"])


def test_what_is_larger_than_the_cache_is_not_kept(
    cache_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 10)
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert "exceeds the cache's limit (10 bytes): not cached" in caplog.text
    assert not (cache_home / "bnlab").exists()


def test_single_arrays_are_kept() -> None:
    x = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert cache.decoded_array({"key": 1}, lambda: x) is x
    assert np.array_equal(cache.decoded_array({"key": 1}, lambda: pytest.fail("decoded again")), x)


def test_an_entry_of_another_form_is_decoded_again() -> None:
    cache.decoded_array({"key": 1}, lambda: np.zeros(3))
    assert cache.decoded({"key": 1}, lambda: GOOD) is GOOD
    assert same(cache.decoded({"key": 1}, never), GOOD)
