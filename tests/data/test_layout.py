"""Interpretation of folders of pictures: splits, classes, or neither."""

from pathlib import Path

import pytest

from bnlab.data.layout import layout
from bnlab.data.listing import listing
from bnlab.errors import BadInput

CLASSES = ("a/1.png", "b/1.png")


def arrange(root: Path, files: tuple[str, ...]) -> Path:
    """Create empty files of these names; a name that ends in / is a folder."""
    root.mkdir()
    for file in files:
        path = root / file
        (path if file.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not file.endswith("/"):
            path.touch()
    return root


def under(*folders: str) -> tuple[str, ...]:
    """Return the names of files with the same two classes in each of these folders."""
    return tuple(f"{folder}/{file}" for folder in folders for file in CLASSES)


MEANT = {
    "classes": (CLASSES, {"train": ""}, ()),
    "usual": (under("train", "test"), {"train": "train", "test": "test"}, ()),
    "capitals": (under("Train", "Test"), {"train": "Train", "test": "Test"}, ()),
    "shouting": (under("TRAIN", "VAL", "TEST"), {"train": "TRAIN", "val": "VAL", "test": "TEST"}, ()),
    "-ing": (under("training", "testing"), {"train": "training", "test": "testing"}, ()),
    "valid": (under("train", "valid"), {"train": "train", "val": "valid"}, ()),
    "validation": (under("Training", "Validation"), {"train": "Training", "val": "Validation"}, ()),
    "dev": (under("train", "dev", "test"), {"train": "train", "val": "dev", "test": "test"}, ()),
    "train alone": (under("training"), {"train": "training"}, ()),
    "beside": ((*under("train", "test"), "extra/1.png", "docs/x.txt"), {"train": "train", "test": "test"},
               ("docs", "extra")),
    "classes beside": ((*under("train", "test"), *CLASSES), {"train": "train", "test": "test"}, ("a", "b")),
    "strays": ((*under("train", "test"), "train/cover.png"), {"train": "train", "test": "test"}, ()),
    "strays, train alone": ((*under("train"), "train/cover.png"), {"train": "train"}, ()),
    "class train": ((*CLASSES, "train/1.png"), {"train": ""}, ()),
    "class Train": ((*CLASSES, "Train/1.png", "Train/old/"), {"train": ""}, ()),
    "valid and invalid": (("valid/1.png", "invalid/1.png"), {"train": ""}, ()),
    "hidden": ((*CLASSES, ".git/x.png", "__MACOSX/a/1.png"), {"train": ""}, ()),
    "hidden split": ((*CLASSES, ".train/a/1.png"), {"train": ""}, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_the_one_meaning(name: str, tmp_path: Path) -> None:
    files, splits, beside = MEANT[name]
    found = layout(arrange(tmp_path / "x", files))
    assert {split: folder for split, (folder, _) in found.splits.items()} == splits
    assert found.beside == beside


def test_a_class_with_the_name_of_a_split_is_a_class(tmp_path: Path) -> None:
    found = listing(arrange(tmp_path / "x", MEANT["class train"][0]))
    assert found.parts["train"].classes == ("a", "b", "train")
    assert found.parts["train"].names == ("a/1.png", "b/1.png", "train/1.png")


REFUSED = {
    "splits in classes": (("a/train/1.png", "a/test/2.png", "b/train/1.png", "b/test/2.png"),
                          r"each class of .* contains splits \(a/test\), .* move the pictures to test/a/"),
    "twice by synonym": (under("train", "training", "test"), r"two folders for one split \(train\), train and trai"),
    "twice by case": (under("Train", "train"), r"two folders for one split \(train\), Train and train: keep one"),
    "two validation sets": (under("train", "val", "dev"), r"two folders for one split \(val\), dev and val"),
    "no classes": (("train/1.png", "test/1.png"), "test and train in .*/x contain pictures but no class folders"),
    "train alone, no classes": (("train/1.png",), "train in .*/x contains pictures but no class folders"),
    "two bare splits and a class": (("train/1.png", "test/1.png", "a/1.png"), "test and train in .* contain pictures"),
    "test without classes": ((*under("train"), "test/1.png"), "x/test contains pictures but no class folders, but"
                             " train beside it contains class folders"),
    "train without classes": ((*under("test"), "train/1.png"), "x/train contains pictures but no class"),
    "empty test": ((*under("train"), "test/"), "x/test contains no pictures, but train beside it"),
    "test of empty folders": ((*under("train"), "test/a/", "test/b/"), "x/test contains no pictures"),
    "no train": (under("test", "val"), "has a folder test but none called train or training"),
    "no Train": ((*under("Testing"), *CLASSES), "has a folder Testing but none called train or training"),
    "class or split": ((*under("train"), "train/1.png", "c/1.png"), "x/train contains pictures and the folder a, so"
                       " it may be a class like c or the training set"),
    "empty class train": ((*CLASSES, "train/"), "x/train has no picture .*: add some or remove it"),
    "other classes in test": ((*under("train"), "test/a/1.png", "test/c/1.png"),
                              "x/test lacks class b of .*/x/train, and .*/x/train lacks class c of .*/x/test: both"),
    "other case in test": ((*under("train"), "Test/A/1.png", "Test/b/1.png"), "x/Test lacks class a of .*/x/train,"
                           " and .*/x/train lacks class A of .*/x/Test"),
    "fewer classes in test": (("train/a/1.png", "train/b/1.png", "test/a/1.png"), "x/test lacks class b of .*x/train:"),
    "more classes in val": ((*under("train"), *(f"val/{k}/1.png" for k in "abcdefg")),
                            "x/train lacks classes c, d, e, … of .*/x/val: both need the same class folders"),
    "one class of a split": (("train/a/1.png", "test/a/1.png"), "x/train has only one class folder, a"),
    "an outer folder": (tuple(f"data/{file}" for file in under("train", "test")), "only one class folder, data.*set"
                        " data.root=.*/x/data"),
    "labels apart": (("train/images/1.png", "train/labels/1.txt"), "x/train/labels has no picture"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_no_one_meaning(name: str, tmp_path: Path) -> None:
    files, message = REFUSED[name]
    root = arrange(tmp_path / "x", files)
    if name == "twice by case" and len(list(root.iterdir())) == 1:
        pytest.skip("this file system is case-insensitive")
    with pytest.raises(BadInput, match=message) as caught:
        listing(root)
    assert "\n" not in str(caught.value)
