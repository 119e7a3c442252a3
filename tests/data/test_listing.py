"""Listing of pictures: which are found, what is ignored, and the messages. Files are empty: nothing is decoded."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.data import listing as module
from bnlab.data.listing import listing
from bnlab.errors import BadInput

from .test_layout import CLASSES, arrange


def counted(root: Path) -> tuple[str, ...]:
    return listing(root).parts["train"].names


COUNTED = {
    "hidden folder in a class": (("a/.thumbs/1.png", "a/x/.cache/2.png"), (), "2 hidden files or folders"),
    "checkpoints of notebooks": (("a/.ipynb_checkpoints/1-checkpoint.png",), (), "1 hidden file or folder"),
    "thumbnails of a server": (("a/@eaDir/1.png/THUMB.jpg",), (), "1 hidden file or folder"),
    "hidden file": (("a/._1.png", "a/.DS_Store"), (), "2 hidden files or folders"),
    "other files": (("a/notes.txt", "b/x.CSV", "list.txt"), (), "3 files that are not pictures (.csv, .txt)"),
    "no suffix": (("a/README",), (), "1 file that is not a picture (no suffix)"),
    "many suffixes": (
        tuple(f"a/x.{k}" for k in "qrstuvw"),
        (),
        "7 files that are not pictures (.q, .r, .s, .t, .u, …)",
    ),
    "stray pictures": (("1.png", "2.jpg"), (), "2 pictures beside the class folders"),
    "nested": (("a/x/y/2.png", "a/x/1.png"), ("a/x/1.png", "a/x/y/2.png"), ""),
    "upper case": (("a/2.JPG", "b/3.JpEg"), ("a/2.JPG", "b/3.JpEg"), ""),
    "less common suffixes": (("a/2.jfif", "a/3.jpe", "a/4.webp"), ("a/2.jfif", "a/3.jpe", "a/4.webp"), ""),
    "a folder with the name of a picture": (("a/2.png/3.png",), ("a/2.png/3.png",), ""),
    "an empty folder in a class": (("a/empty/",), (), ""),
}


@pytest.mark.parametrize("name", COUNTED)
def test_pictures_and_what_is_passed_over(name: str, tmp_path: Path) -> None:
    files, more, passed = COUNTED[name]
    found = listing(arrange(tmp_path / "x", (*CLASSES, *files)))
    assert sorted(found.parts["train"].names) == sorted((*CLASSES, *more))
    assert found.passed.text() == passed


def test_folders_beside_the_splits_are_named(tmp_path: Path) -> None:
    files = [f"{split}/{file}" for split in ("train", "test") for file in CLASSES]
    found = listing(arrange(tmp_path / "x", (*files, "extra/deep/1.png", "docs/", ".git/")))
    assert found.passed.text() == "1 hidden file or folder, the folders docs, extra beside the splits"


def link(target: str, name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / name).symlink_to(root / target)

    return make


LINKS = {
    "a linked class": (link("../elsewhere", "c"), ("c/9.png",), ""),
    "a linked folder in a class": (link("../elsewhere", "a/more"), ("a/more/9.png",), ""),
    "a linked picture": (link("../elsewhere/9.png", "a/9.png"), ("a/9.png",), ""),
    "a loop": (link("a", "a/again"), (), "1 link that leads nowhere or back"),
    "a loop by the root": (link(".", "a/again"), (), "1 link that leads nowhere or back"),
    "a loop by a folder above the root": (link("../..", "a/again"), (), "1 link that leads nowhere or back"),
    "a picture that is gone": (link("gone.png", "a/9.png"), (), "1 link that leads nowhere or back"),
    "a folder that is gone": (link("gone", "a/more"), (), "1 link that leads nowhere or back"),
    "a link to itself": (link("a/9.png", "a/9.png"), (), "1 link that leads nowhere or back"),
    "a FIFO": (lambda root: os.mkfifo(root / "a/9.png"), (), "1 file that is not a picture (.png)"),
    "a device": (link("/dev/zero", "a/9.png"), (), "1 file that is not a picture (.png)"),
}


@pytest.mark.parametrize("name", LINKS)
def test_links_are_followed(name: str, tmp_path: Path) -> None:
    make, more, passed = LINKS[name]
    arrange(tmp_path / "elsewhere", ("9.png",))
    root = arrange(tmp_path / "x", CLASSES)
    make(root)
    found = listing(root)
    assert sorted(found.parts["train"].names) == sorted((*CLASSES, *more))
    assert found.passed.text() == passed


TWICE = {
    "two classes": ((), [("a", "c")], "a and c are the same folder"),
    "a class in another": ((), [("b", "a/more")], "a/more and b are the same folder"),
    "test is train": (
        tuple(f"train/{file}" for file in CLASSES),
        [("train", "test")],
        "train/a and test/a are the same folder",
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_one_folder_by_two_names_is_refused(name: str, tmp_path: Path) -> None:
    files, links, message = TWICE[name]
    root = arrange(tmp_path / "x", files or CLASSES)
    for target, there in links:
        (root / there).symlink_to(root / target)
    with pytest.raises(BadInput, match=message + r" \(a link\), whose pictures would count twice: remove the link$"):
        listing(root)


def test_links_in_a_ladder_do_not_multiply(tmp_path: Path) -> None:
    root = arrange(tmp_path / "x", CLASSES)
    for rung in range(40):  # 2^40 ways to the last folder
        (root / f"a/{rung}").mkdir()
    for rung in range(39):
        for side in ("left", "right"):
            (root / f"a/{rung}/{side}").symlink_to(root / f"a/{rung + 1}")
    with pytest.raises(BadInput, match="are the same folder"):
        listing(root)


def test_very_deep_folders_are_refused(tmp_path: Path) -> None:
    root = arrange(tmp_path / "x", (*CLASSES, "a/" + "d/" * 300))
    with pytest.raises(BadInput, match=r"is more than 100 folders deep"):
        listing(root)


UNREADABLE = {
    "one": (
        ("a/2.heic",),
        r"1 of the pictures in .* \(a/2.heic\) is .heic, which Pillow .* cannot read: convert it to PNG or JPEG",
    ),
    "two kinds": (
        ("a/2.HEIC", "b/3.heif"),
        r"2 of the pictures in .* \(a/2.HEIC, …\) are .heic, .heif,"
        " which .*: convert them to PNG",
    ),
    "a newer one": (("a/2.jxl",), "1 of the pictures in .* is .jxl"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_formats_that_this_pillow_lacks(name: str, tmp_path: Path) -> None:
    files, message = UNREADABLE[name]
    with pytest.raises(BadInput, match=message):
        listing(arrange(tmp_path / "x", (*CLASSES, *files)))


def test_a_format_of_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_readable", lambda suffix: suffix != ".avif")
    with pytest.raises(BadInput, match=r"1 of the pictures in .* is \.avif"):
        listing(arrange(tmp_path / "x", (*CLASSES, "a/2.avif")))
    with pytest.raises(BadInput, match="c has no picture") as caught:
        listing(arrange(tmp_path / "y", (*CLASSES, "c/")))
    assert ".png" in str(caught.value)
    assert ".avif " not in str(caught.value), "what can be read is listed"


NAMES = {
    "no UTF-8": b"caf\xe9",
    "an escape": b"\x1b[31mred",
    "a line break": b"two\nlines",
    "right to left": "\u202eevil".encode(),
    "a bell": b"\x07",
    "a backslash": b"a\\b",
    "brackets": b"[bold]x[bold]",
    "percent": b"100%s {0}",
}


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_harmless(name: str, tmp_path: Path) -> None:
    root = arrange(tmp_path / "x", CLASSES)
    odd = os.fsencode(root) + b"/" + NAMES[name]
    folder = Path(os.fsdecode(odd))
    folder.mkdir()
    with pytest.raises(BadInput, match="has no picture") as caught:
        listing(root)
    assert str(caught.value).isprintable()
    str(caught.value).encode()
    (folder / f"{folder.name}.png").touch()
    (folder / f"x.{folder.name}").touch()
    found = listing(root)
    assert len(found.parts["train"].names) == 3
    assert found.passed.text().isprintable()
