"""Pictures in folders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bnlab.data import image_folder
from bnlab.data.image_folder import ImageFolder
from bnlab.errors import BadInput

from .written import pictures


def load(root: Path, size: int = 8, channels: Any = 3) -> image_folder.Arrays:
    return ImageFolder(root=str(root), size=size, channels=channels).arrays()


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
    monkeypatch.setattr(image_folder, "_image", lambda *_, **__: pytest.fail("decoded again"))
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
        (no_root, "is no folder: set data.root"),
        (nothing, "has no class folders"),
        (pictures_without_classes, "has no class folders: put the pictures of each class in a folder of its own"),
        (one_class, "has only one class folder, animals: two or more.*set data.root=.*/x/animals"),
        (empty_class, "x/b has no picture"),
        (no_picture, "cannot read .*b/001.png .*cannot identify.*: replace or remove"),
        (truncated, "cannot read .*b/001.jpg .*[tT]runcated"),
        (broken, "cannot read .*b/001.png"),
        (deep, "b/001.png has more than 8 bits a channel"),
        (unlike_classes, "class folder c is in only one of train and test"),
        (no_train, "has a folder val but none called train"),
    ],
)
def test_bad_folders(arrange: Any, message: str, tmp_path: Path) -> None:
    arrange(tmp_path / "x")
    with pytest.raises(BadInput, match=message) as caught:
        load(tmp_path / "x")
    assert "\n" not in str(caught.value)
