"""Pictures in folders."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bnlab.data import decode
from bnlab.data.base import Arrays, silent, take
from bnlab.data.image_folder import ImageFolder
from bnlab.data.picture import images
from bnlab.data.split import split
from bnlab.errors import BadInput

from .written import common, pictures


def load(root: Path, size: int = 8, channels: Any = 3) -> Arrays:
    """Return the data set with everything decoded, in the order of its listing."""
    arrays = ImageFolder(root=str(root), size=size, channels=channels).arrays()
    x = {f"{part}_x": getattr(arrays, f"{part}_x") for part in ("train", "val", "test")}
    return replace(arrays, **{name: take(x, np.arange(len(x)))[0] for name, x in x.items() if x is not None})


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".JPG", 3), (".bmp", 0)])
def test_class_folders_are_split(suffix: str, tolerance: int, tmp_path: Path) -> None:
    pictures(tmp_path, {"cat": 5, "dog": 10}, suffix)
    arrays = load(tmp_path)
    assert arrays.class_names == ("cat", "dog")
    assert (arrays.train_x.shape, arrays.test_x.shape) == ((12, 3, 8, 8), (3, 3, 8, 8))
    assert (arrays.train_x.dtype, arrays.train_y.dtype) == (np.uint8, np.int64)
    for x, y in arrays.parts().values():
        assert np.abs(x[:, 0].astype(int) - 40 * y[:, None, None]).max() <= tolerance
    if tolerance == 0:
        content = {(label, x[1, 0, 0]) for part in arrays.parts().values() for x, label in zip(*part, strict=True)}
        assert content == {(0, k) for k in range(5)} | {(1, k) for k in range(10)}


@pytest.mark.parametrize("held_out", ["test", "val"])
def test_split_folders(held_out: str, tmp_path: Path) -> None:
    pictures(tmp_path / "train", {"a": 2, "b": 3, "c": 1})
    pictures(tmp_path / held_out, {"a": 1, "b": 1, "c": 2})
    arrays = load(tmp_path)
    assert arrays.train_y.tolist() == [0, 0, 1, 1, 1, 2]
    assert arrays.test_y.tolist() == [0, 1, 2, 2]
    assert arrays.val_x is None


def test_three_split_folders(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2), ("test", 1)):
        pictures(tmp_path / part, {"a": count, "b": count})
    arrays = load(tmp_path)
    assert {part: len(y) for part, (_, y) in arrays.parts().items()} == {"training": 8, "validation": 4, "test": 2}


def test_a_training_folder_alone_is_split(tmp_path: Path) -> None:
    pictures(tmp_path / "train", {"a": 5, "b": 5})
    assert len(load(tmp_path).test_x) == 2


def test_the_middle_of_the_longer_side_is_kept(tmp_path: Path) -> None:
    pictures(tmp_path, {"a": 1, "b": 4})
    stripes = np.zeros((8, 16, 3), np.uint8)
    stripes[:, 4:12] = 200
    picture = Image.fromarray(stripes)
    picture.save(tmp_path / "a" / "000.png")
    scaled = np.asarray(picture.resize((8, 4), Image.Resampling.BILINEAR))
    arrays = load(tmp_path, size=4)
    x = np.concatenate([arrays.train_x, arrays.test_x])[np.concatenate([arrays.train_y, arrays.test_y]) == 0]
    assert np.array_equal(x[0], scaled[:, 2:6].transpose(2, 0, 1))


def test_grey_and_colour_pictures_are_converted(tmp_path: Path) -> None:
    pictures(tmp_path, {"a": 3, "b": 3}, mode="L")
    arrays = load(tmp_path, channels=1)
    assert arrays.train_x.shape[1:] == (1, 8, 8)
    assert (arrays.train_x[arrays.train_y == 1] == 40).all()
    colour = load(tmp_path, channels=3)
    assert (colour.train_x == arrays.train_x).all(), "the same grey in all three channels"


def test_other_files_are_ignored_and_nested_pictures_found(tmp_path: Path) -> None:
    pictures(tmp_path, {"a": 2, "b": 3})
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "a" / "._000.png").write_text("x")
    (tmp_path / ".git").mkdir()
    pictures(tmp_path / "b", {"nested": 1})
    arrays = load(tmp_path)
    assert arrays.class_names == ("a", "b")
    assert len(arrays.train_x) + len(arrays.test_x) == 6


def test_the_second_load_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path / "x", {"a": 3, "b": 3})
    first = load(tmp_path / "x")
    monkeypatch.setattr(decode, "images", lambda *_, **__: pytest.fail("decoded again"))
    assert np.array_equal(load(tmp_path / "x").train_x, first.train_x)
    (tmp_path / "x").rename(tmp_path / "y")
    assert np.array_equal(load(tmp_path / "y").train_x, first.train_x)


def test_the_root_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path / "x", {"a": 3, "b": 3})
    monkeypatch.chdir(tmp_path / "x")
    fingerprints = {
        ImageFolder(root=root, size=8, channels=3).fingerprint() for root in (".", "../x", f"{tmp_path / 'x'}/")
    }
    assert len(fingerprints) == 1
    assert load(Path()).classes == 2


def nothing(root: Path) -> None:
    root.mkdir()


def no_root(root: Path) -> None:
    pass


def pictures_without_classes(root: Path) -> None:
    root.mkdir()
    Image.new("RGB", (8, 8)).save(root / "1.png")


def one_class(root: Path) -> None:
    pictures(root, {"animals": 3})


def empty_class(root: Path) -> None:
    pictures(root, {"a": 3, "b": 0})


def no_picture(root: Path) -> None:
    pictures(root, {"a": 3, "b": 3})
    (root / "b" / "001.png").write_text("<!DOCTYPE html>")


def truncated(root: Path) -> None:
    pictures(root, {"a": 3, "b": 3}, ".jpg")
    path = root / "b" / "001.jpg"
    path.write_bytes(path.read_bytes()[:-40])


def broken(root: Path) -> None:
    pictures(root, {"a": 3, "b": 3})
    path = root / "b" / "001.png"
    data = path.read_bytes()
    at = data.index(b"IDAT") + 6
    path.write_bytes(data[:at] + b"\xff\xff\xff" + data[at + 3 :])


def deep(root: Path) -> None:
    pictures(root, {"a": 3, "b": 3})
    Image.new("I;16", (8, 8), 40000).save(root / "b" / "001.png")


def unlike_classes(root: Path) -> None:
    pictures(root / "train", {"a": 3, "b": 3, "c": 1})
    pictures(root / "test", {"a": 3, "b": 3})


def no_train(root: Path) -> None:
    pictures(root / "test", {"a": 3, "b": 3})
    pictures(root / "val", {"a": 3, "b": 3})


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (no_root, "is not a folder: set data.root"),
        (nothing, "has no class folders"),
        (pictures_without_classes, "has no class folders: put the pictures of each class in a separate folder"),
        (one_class, "has only one class folder, animals: two or more.*set data.root=.*/x/animals"),
        (empty_class, "x/b has no picture"),
        (no_picture, "cannot read .*b/001.png .*cannot identify.*: replace or remove"),
        (truncated, "cannot read .*b/001.jpg .*[tT]runcated"),
        (broken, "cannot read .*b/001.png"),
        (deep, "b/001.png has more than 8 bits per channel"),
        (unlike_classes, "x/test lacks class c of .*/x/train: both need the same class folders"),
        (no_train, "has a folder test but none called train or training"),
    ],
)
def test_bad_folders(arrange: Any, message: str, tmp_path: Path) -> None:
    arrange(tmp_path / "x")
    with pytest.raises(BadInput, match=message) as caught:
        load(tmp_path / "x")
    assert "\n" not in str(caught.value)


def used(root: Path, progress: Any = silent, **changes: Any) -> Arrays:
    """Return the data set as used for training."""
    return split(ImageFolder(root=str(root), size=8, channels=3).arrays(progress), common(**changes))


def test_broken_pictures_of_all_sets_are_told_at_once(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        pictures(tmp_path / part, {"a": 3, "b": 3})
        (tmp_path / part / "a/001.png").write_text("x")
    (tmp_path / "train/b/002.png").write_text("x")
    with pytest.raises(BadInput) as caught:
        used(tmp_path)
    said = str(caught.value)
    assert "cannot read 2 of 6 pictures" in said
    named = ("train/a/001.png", "train/b/002.png", "val/a/001.png", "test/a/001.png")
    assert [said.count(f"/{name} (") for name in named] == [1] * 4


def test_only_what_is_used_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, {"a": 50, "b": 50})
    decoded: list[str] = []
    monkeypatch.setattr(decode, "images", lambda paths, **how: decoded.extend(paths) or images(paths, **how))
    arrays = ImageFolder(root=str(tmp_path), size=8, channels=3).arrays()
    assert (len(arrays.train_x), arrays.train_x.shape, decoded) == (80, (80, 3, 8, 8), [])
    few = used(tmp_path, train_size=10, val_size=5)
    assert (len(few.train_x), len(few.val_x), len(few.test_x)) == (10, 5, 20)
    assert len(decoded) == len(set(decoded)) == 35
    used(tmp_path, train_size=10, val_size=5)
    assert len(decoded) == 35, "cached per selection"
    whole = used(tmp_path, val_size=5)
    assert len(decoded) == 35 + 80
    used(tmp_path, val_size=20, split_seed=3)
    assert len(decoded) == 35 + 80, "all of the training set, with another split"
    assert np.array_equal(whole.train_x[:10], few.train_x)
    assert np.array_equal(whole.val_x, few.val_x)
    for x, y in few.parts().values():
        assert np.array_equal(x[:, 0, 0, 0], 40 * y)


def test_progress_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, {"a": 50, "b": 50})
    monkeypatch.setattr(decode, "EVERY", 0)
    lines: list[str] = []
    used(tmp_path, lines.append)
    assert lines[0] == "image_folder: 20 of 80 pictures decoded"


def flat(root: Path) -> None:
    pictures(root, {"a": 3, "b": 7})


def splits(root: Path) -> None:
    for folder, count in (("Train", 4), ("Valid", 2), ("TESTING", 1)):
        pictures(root / folder, {"a": count, "b": count})
    (root / "extra").mkdir()
    (root / "Train" / "a" / "list.txt").touch()


def train_and_val(root: Path) -> None:
    for folder, count in (("train", 4), ("val", 2)):
        pictures(root / folder, {"a": count, "b": count})


def train_alone(root: Path) -> None:
    pictures(root / "train", {f"c{k:02}": 2 for k in range(12)})


def rare(root: Path) -> None:
    pictures(root, {"a": 1, "b": 4})


FIFTH = "in ROOT; the test set is a fixed random fifth"
NOTES: dict[str, tuple[Any, list[Any]]] = {
    "flat": (flat, [f"8 training and 2 test pictures of 2 classes (a, b) {FIFTH}"]),
    "splits": (splits, ["8 training, 4 validation and 2 test pictures of 2 classes (a, b) in"
                        " ROOT/{Train,Valid,TESTING}",
                        "ignored 1 file that is not a picture (.txt), the folder extra beside the splits"]),
    "val is test": (train_and_val, ["8 training and 4 test pictures of 2 classes (a, b) in ROOT/{train,val}"]),
    "many classes": (train_alone, ["19 training and 5 test pictures of 12 classes (c00, c01, c02, c03, c04, c05, c06,"
                                   f" c07, c08, c09, …) {FIFTH}", None]),
    "a class of one": (rare, [f"4 training and 1 test pictures of 2 classes (a, b) {FIFTH}",
                              "no test picture of a: too few pictures to hold one out"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTES)
def test_notes_say_what_was_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrange, expected = NOTES[name]
    arrange(tmp_path / "x")
    monkeypatch.setattr(decode, "images", lambda *_, **__: pytest.fail("decoded"))
    notes = ImageFolder(root=str(tmp_path / "x"), size=8, channels=3).notes()
    wanted = [
        None if line is None else f"image_folder: {line.replace('ROOT', str(tmp_path / 'x'))}" for line in expected
    ]
    assert len(notes) == len(wanted)
    assert all(line is None or line == note for line, note in zip(wanted, notes, strict=True))


COUNTS = {"one of a class": {"a": 1, "b": 4}, "one of many": {"a": 1, "b": 1, "c": 1, "d": 20}, "two each":
          dict.fromkeys("abcdef", 2), "one each but one": {**dict.fromkeys("abcde", 1), "k": 2}}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_every_class_keeps_a_picture_for_training(name: str, tmp_path: Path) -> None:
    counts = COUNTS[name]
    pictures(tmp_path, counts)
    arrays = load(tmp_path)
    assert set(arrays.train_y.tolist()) == set(range(len(counts)))
    labels = np.concatenate([arrays.train_y, arrays.test_y])
    assert np.bincount(labels).tolist() == list(counts.values())
    for x, y in arrays.parts().values():
        assert np.array_equal(x[:, 0, 0, 0], 40 * y)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_one_picture_each_leaves_nothing_to_test(classes: int, tmp_path: Path) -> None:
    pictures(tmp_path / "x", {f"c{k}": 1 for k in range(classes)})
    with pytest.raises(
        BadInput, match=rf"x has too few pictures \({classes} of {classes} classes\) to hold out a fifth"
    ):
        load(tmp_path / "x")


def test_splits_by_other_names_are_the_same_data(tmp_path: Path) -> None:
    found = []
    for place, names in {"x": ("train", "val", "test"), "y": ("Training", "DEV", "testing")}.items():
        for folder, count in zip(names, (4, 2, 1), strict=True):
            pictures(tmp_path / place / folder, {"a": count, "b": count})
        found.append(ImageFolder(root=str(tmp_path / place), size=8, channels=3).fingerprint())
    assert found[0] == found[1]


def test_a_validation_set_is_not_a_test_set(tmp_path: Path) -> None:
    found = set()
    for held_out in ("val", "test"):
        for folder in ("train", held_out):
            pictures(tmp_path / held_out / folder, {"a": 2, "b": 2})
        found.add(ImageFolder(root=str(tmp_path / held_out), size=8, channels=3).fingerprint())
    assert len(found) == 2


ODD = {"no UTF-8": b"caf\xe9", "an escape": b"\x1b[31mred", "a line break": b"two\nlines"}


@pytest.mark.parametrize("name", ODD)
def test_odd_names_train_and_are_told_apart(name: str, tmp_path: Path) -> None:
    odd = os.fsdecode(ODD[name])
    pictures(tmp_path, {"a": 5, odd: 5})
    (tmp_path / "a" / "001.png").rename(tmp_path / "a" / f"{odd}.png")
    arrays = load(tmp_path)
    assert len(arrays.train_x) + len(arrays.test_x) == 10
    assert all(text.isprintable() for text in arrays.class_names)
    "".join([*arrays.class_names, *ImageFolder(root=str(tmp_path), size=8, channels=3).notes()]).encode()
    (tmp_path / "a" / f"{odd}.png").write_text("x")
    with pytest.raises(BadInput, match="cannot read") as caught:
        load(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("closed", ["a", "a/000.png", "."])
def test_what_may_not_be_read_is_one_line(closed: str, tmp_path: Path) -> None:
    mine = os.geteuid()
    os.seteuid(os.getuid())
    pictures(tmp_path / "x", {"a": 3, "b": 3})
    (tmp_path / "x" / closed).chmod(0)
    os.seteuid(mine)
    with pytest.raises(
        BadInput, match=r"cannot read .*/x.* \(Permission denied\): check data.root and its permissions"
    ):
        load(tmp_path / "x")
    os.seteuid(os.getuid())
    (tmp_path / "x" / closed).chmod(0o700)


@pytest.mark.parametrize("root", ["~nosuchuser", "", "a\0b", "x" * 300, "\ud800"])
def test_roots_that_cannot_be(root: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(root)  # type: ignore[arg-type]
    assert str(caught.value).isprintable()


def test_pictures_larger_than_memory_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, {"a": 3, "b": 3})
    with pytest.raises(BadInput, match=r"image_folder: 5 pictures of 3×1000000×1000000 would take 30.0 TB of memory"):
        split(ImageFolder(root=str(tmp_path), size=10**6, channels=3).arrays(), common(val_size=0))
