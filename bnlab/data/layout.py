"""Interpret the folders of a picture folder: which are splits, which are classes, and which are neither.

A folder is a split if it has a split's name (`SPLITS`, in upper or lower case) and contains class folders. If no folder
is a split, all are classes, of which one may have a split's name if it contains its pictures directly. Ambiguous
layouts are rejected.
"""

from pathlib import Path
from typing import NamedTuple

from bnlab.data.tree import Scan, Tree
from bnlab.errors import BadInput
from bnlab.text import printable

SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
_SPLIT = {word: split for split, words in SPLITS.items() for word in words}


class Layout(NamedTuple):
    """Folders of classes, by split.

    Attributes:
        splits: by the usual name of a split, the name of its folder (empty if the root itself is the training set) and
            its tree.
        top: the root, if it contains the folders of the splits; None if it is the folder of a split itself.
        beside: names of folders beside those of the splits, which are ignored.
    """

    splits: dict[str, tuple[str, Tree]]
    top: Tree | None
    beside: tuple[str, ...]


def layout(root: Path) -> Layout:
    """Return the layout of a picture folder.

    Raises:
        BadInput: the layout is ambiguous or incomplete, or a folder cannot be read.
    """
    scan = Scan(root)
    top = scan.top()
    named = {name: scan.tree(name) for name in top.folders if name.casefold() in _SPLIT}
    others = [name for name in top.folders if name not in named]
    splits = [name for name, tree in named.items() if tree.class_folders]
    bare = [name for name, tree in named.items() if tree.pictures and not tree.class_folders]
    if not splits:
        _check_classes(root, bare, others)
        top.folders = {name: named.get(name) or scan.tree(name) for name in top.folders}
        _check_below(root, top)
        return Layout({"train": ("", top)}, None, ())
    _check_splits(root, splits, named)
    if len(splits) == 1 and (mixed := named[splits[0]]).pictures:
        classes = [name for name in others if scan.tree(name).has_pictures]
        if classes:
            raise BadInput(
                f"image_folder: {_at(root, splits[0])} contains pictures and the folder"
                f" {printable(mixed.class_folders[0])}, so it may be a class like {printable(classes[0])} or the"
                " training set: rename it, or move the pictures or the folder out of it"
            )
    order = {split: name for split in SPLITS for name in splits if _SPLIT[name.casefold()] == split}
    return Layout({split: (name, named[name]) for split, name in order.items()}, top, tuple(others))


def _check_classes(root: Path, bare: list[str], others: list[str]) -> None:
    """Raise `BadInput` for folders with names of splits whose pictures are not in class folders."""
    if bare and (len(bare) > 1 or not others):
        names = " and ".join(map(printable, bare))
        raise BadInput(
            f"image_folder: {names} in {_at(root)} contain{'s' if len(bare) == 1 else ''} pictures but no class"
            f" folders: put the pictures of each class in a folder, {printable(bare[0])}/<class>/ (if these are"
            " classes, rename them)"
        )


def _check_below(root: Path, top: Tree) -> None:
    """Raise `BadInput` if all classes contain splits, because their test pictures would be trained on."""
    found = []
    for name in top.class_folders:
        inside = [below for below in top.folders[name].class_folders if below.casefold() in _SPLIT]
        if len({_SPLIT[below.casefold()] for below in inside}) < 2:
            return
        found.append(f"{name}/{inside[0]}")
    if len(found) > 1:  # a single folder may contain the whole data set
        raise BadInput(
            f"image_folder: each class of {_at(root)} contains splits ({printable(found[0])}), but splits should"
            f" contain classes: move the pictures to {printable('/'.join(reversed(found[0].split('/'))))}/ and so on"
        )


def _check_splits(root: Path, splits: list[str], named: dict[str, Tree]) -> None:
    """Raise `BadInput` for duplicate splits, splits without classes, and a missing training set."""
    by_split: dict[str, str] = {}
    for name in splits:
        split = _SPLIT[name.casefold()]
        if split in by_split:
            raise BadInput(
                f"image_folder: {_at(root)} has two folders for one split ({split}), {printable(by_split[split])} and"
                f" {printable(name)}: keep one, or put their pictures together"
            )
        by_split[split] = name
    for name, tree in named.items():
        if name not in splits:
            what = "pictures but no class folders" if tree.pictures else "no pictures"
            raise BadInput(
                f"image_folder: {_at(root, name)} contains {what}, but {printable(splits[0])} beside it contains class"
                f" folders: add the same ones, or move it out of {_at(root)}"
            )
    if "train" not in by_split:
        raise BadInput(
            f"image_folder: {_at(root)} has a folder {printable(splits[0])} but none called"
            f" {' or '.join(SPLITS['train'])}: add or rename it (classes must not have the names of splits)"
        )


def _at(root: Path, name: str = "") -> str:
    return printable(str(root / name))
