"""List the pictures of a picture folder by split and class, and count what is ignored."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import PIL

from bnlab.data.layout import Layout, layout
from bnlab.data.picture import SUFFIXES, first, is_readable
from bnlab.data.tree import Tree, walk
from bnlab.errors import BadInput
from bnlab.text import printable


class Part(NamedTuple):
    """Pictures of one split, sorted by class and name.

    Attributes:
        split: train, val or test, by the name of its folder.
        folder: path below the root; empty for the root itself.
        classes: sorted names of the classes.
        names: paths of the pictures below the root.
        labels: class of each picture, as an index into `classes`.
    """

    split: str
    folder: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass
class Passed:
    """Counts of ignored files and folders.

    Attributes:
        beside: names of folders beside those of the splits.
        others: number of files of each suffix that are not pictures.
        hidden: number of hidden files and folders.
        dead: number of links that lead nowhere, or back to a folder that contains them.
        strays: number of pictures beside class folders.
    """

    beside: tuple[str, ...] = ()
    others: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    dead: int = 0
    strays: int = 0

    def add(self, tree: Tree) -> None:
        """Count the files of a folder of classes or of splits."""
        self.strays += len(tree.pictures)
        self.add_class(tree)

    def add_class(self, tree: Tree) -> None:
        """Count the files of a folder of pictures that are not pictures."""
        self.others += tree.others
        self.hidden += tree.hidden
        self.dead += tree.dead

    def text(self) -> str:
        """Return the counts as one line; empty if nothing was ignored."""
        others = self.others.total()
        suffixes = ", ".join(printable(suffix) or "no suffix" for suffix in sorted(self.others)[:5])
        more = ", …" if len(self.others) > 5 else ""
        counts = {
            f"file that is not a picture ({suffixes}{more})|files that are not pictures ({suffixes}{more})": others,
            "picture beside the class folders|pictures beside the class folders": self.strays,
            "hidden file or folder|hidden files or folders": self.hidden,
            "link that leads nowhere or back|links that lead nowhere or back": self.dead,
        }
        said = [f"{n:,} {words.split('|')[n > 1]}" for words, n in counts.items() if n]
        if self.beside:
            names = ", ".join(map(printable, self.beside[:5])) + (", …" if len(self.beside) > 5 else "")
            said.append(f"the folder{'s' * (len(self.beside) > 1)} {names} beside the splits")
        return ", ".join(said)


class Listing(NamedTuple):
    """The parts, "train" and, if they exist, "val" and "test"; and what was ignored."""

    parts: dict[str, Part]
    passed: Passed


def listing(root: Path) -> Listing:
    """Return the pictures below a folder. With only "train" and "val", "val" is returned as "test".

    Raises:
        BadInput: the layout is ambiguous, splits have different classes, or a format cannot be read here.
    """
    found = layout(root)
    passed = Passed(found.beside)
    if found.top is not None:
        passed.add(found.top)
    _check_same_classes(root, found)
    seen: dict[int, str] = {}
    parts = {split: _part(root, split, *place, passed, seen) for split, place in found.splits.items()}
    _check_formats(root, parts)
    if "val" in parts and "test" not in parts:
        parts["test"] = parts.pop("val")
    return Listing(parts, passed)


def _check_same_classes(root: Path, found: Layout) -> None:
    """Raise `BadInput` for a split whose class folders differ from those of the training set."""
    of_train, train = found.splits["train"]
    for folder, tree in found.splits.values():
        lacking = [
            f"{printable(str(root / one))} lacks class{'es' * (len(names) > 1)} {first([*map(printable, names)])}"
            f" of {printable(str(root / other))}"
            for one, other, names in (
                (folder, of_train, sorted(train.folders.keys() - tree.folders.keys())),
                (of_train, folder, sorted(tree.folders.keys() - train.folders.keys())),
            )
            if names
        ]
        if lacking:
            raise BadInput(f"image_folder: {', and '.join(lacking)}: both need the same class folders")


def _part(root: Path, split: str, folder: str, tree: Tree, passed: Passed, seen: dict[int, str]) -> Part:
    """Return the pictures below one folder, which contains one folder per class."""
    where = printable(str(root / folder))
    classes = list(tree.folders)
    if not classes:
        raise BadInput(
            f"image_folder: {where} has no class folders: put the pictures of each class in a separate folder"
        )
    if len(classes) == 1:
        only = printable(classes[0])
        raise BadInput(
            f"image_folder: {where} has only one class folder, {only}: two or more are needed (if the"
            f" classes are in it, set data.root={where}/{only})"
        )
    passed.add(tree)
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found: list[str] = []
        for path, below in walk(tree.folders[name], os.path.join(folder, name), seen):  # noqa: PTH118 - strings: faster
            passed.add_class(below)
            found += [f"{path}/{picture}" for picture in below.pictures]
        if not found:
            raise BadInput(
                f"image_folder: {where}/{printable(name)} has no picture"
                f" ({' '.join(filter(is_readable, SUFFIXES))}): add some or remove it"
            )
        names += sorted(found)
        labels += [label] * len(found)
    return Part(split, folder, tuple(classes), tuple(names), tuple(labels))


def _check_formats(root: Path, parts: dict[str, Part]) -> None:
    """Raise `BadInput` for pictures of formats that the installed Pillow cannot read."""
    names = [name for part in parts.values() for name in part.names]
    suffixes = [os.path.splitext(name)[1].lower() for name in names]  # noqa: PTH122
    foreign = {suffix for suffix in set(suffixes) if not is_readable(suffix)}
    if foreign:
        count = sum(suffix in foreign for suffix in suffixes)
        example = next(name for name, suffix in zip(names, suffixes, strict=True) if suffix in foreign)
        raise BadInput(
            f"image_folder: {count:,} of the pictures in {printable(str(root))} ({printable(example)}"
            f"{', …' if count > 1 else ''}) {'is' if count == 1 else 'are'} {', '.join(sorted(foreign))}, which Pillow"
            f" {PIL.__version__} as installed here cannot read: convert {'it' if count == 1 else 'them'} to PNG or JPEG"
        )
