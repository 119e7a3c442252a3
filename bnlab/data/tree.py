"""Scan a folder of pictures on disk at any depth, following links."""

import errno
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bnlab.data.paths import unreadable
from bnlab.data.picture import SUFFIXES
from bnlab.errors import BadInput
from bnlab.text import printable

DEEPEST = 100  # folders within each other
# Folders that systems and archives add, some with thumbnails of the pictures; treated as hidden.
HIDDEN = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")


@dataclass(eq=False)
class Tree:
    """Content of one folder. Two names of the same folder (links) share one tree.

    Attributes:
        pictures: names of the pictures directly in it, sorted.
        folders: the folders directly in it by name, sorted, without hidden ones.
        others: number of files of each suffix that are not pictures.
        hidden: number of hidden files and folders.
        dead: number of links that lead nowhere, or back to a folder that contains them.
    """

    pictures: list[str] = field(default_factory=list)
    folders: dict[str, "Tree"] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    dead: int = 0
    _has_pictures: bool | None = None

    @property
    def has_pictures(self) -> bool:
        """Whether there are pictures at any depth."""
        if self._has_pictures is None:  # once per folder: with links many paths can lead to it
            self._has_pictures = bool(self.pictures) or any(tree.has_pictures for tree in self.folders.values())
        return self._has_pictures

    @property
    def class_folders(self) -> list[str]:
        """Names of the folders directly in it that hold pictures."""
        return [name for name, tree in self.folders.items() if tree.has_pictures]


class Scan:
    """Scanner of the folders below a root, which reads each once."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._known: dict[tuple[int, int], Tree] = {}
        self._open: set[tuple[int, int]] = set()

    def top(self) -> Tree:
        """Return the root itself, without the content of its folders."""
        tree = Tree()
        above = Path(self._root).resolve().parents
        self._open |= {_identity(str(folder)) for folder in (self._root, *above)}  # a link back to one is a loop
        for name in self._entries(self._root, tree):
            tree.folders[name] = Tree()
        return tree

    def tree(self, name: str) -> Tree:
        """Return the folder of this name in the root.

        Raises:
            BadInput: a folder in it cannot be read, or folders are nested more than `DEEPEST` levels deep.
        """
        tree = self._tree(f"{self._root}/{name}", 1)
        return Tree(dead=1) if tree is None else tree

    def _tree(self, path: str, depth: int) -> Tree | None:
        """Return the folder at a path; None if it is one of its own parents (a link)."""
        if depth > DEEPEST:
            raise BadInput(
                f"image_folder: {printable(path[:200])}… is more than {DEEPEST} folders deep: set data.root to the"
                " folder that contains the classes"
            )
        identity = _identity(path)
        if identity in self._open:
            return None
        if identity not in self._known:
            tree = Tree()
            self._open.add(identity)
            for name in self._entries(path, tree):
                if (below := self._tree(f"{path}/{name}", depth + 1)) is None:
                    tree.dead += 1
                else:
                    tree.folders[name] = below
            self._open.remove(identity)
            self._known[identity] = tree
        return self._known[identity]

    def _entries(self, path: str, tree: Tree) -> list[str]:
        """Add the content of a folder to its tree and return the names of the folders in it."""
        folders = []
        try:
            with os.scandir(path) as found:
                for entry in found:
                    match _kind(entry):
                        case "hidden":
                            tree.hidden += 1
                        case "folder":
                            folders.append(entry.name)
                        case "picture":
                            tree.pictures.append(entry.name)
                        case "dead":
                            tree.dead += 1
                        case _:
                            tree.others[os.path.splitext(entry.name)[1].lower()] += 1  # noqa: PTH122 - a string
        except OSError as error:
            raise unreadable(error.filename or path, error) from error
        tree.pictures.sort()
        return sorted(folders)


def _identity(path: str) -> tuple[int, int]:
    try:
        facts = os.stat(path)  # noqa: PTH116 - strings, as in all of this module
    except OSError as error:
        raise unreadable(path, error) from error
    return facts.st_dev, facts.st_ino


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.name.startswith(".") or entry.name in HIDDEN:
        return "hidden"
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "picture" if entry.name.lower().endswith(SUFFIXES) else "other"
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return "dead"
    return "dead" if entry.is_symlink() and not os.path.exists(entry.path) else "other"  # noqa: PTH110


def walk(tree: Tree, path: str, seen: dict[int, str]) -> Iterator[tuple[str, Tree]]:
    """Yield each folder of a tree with its path, the tree itself first.

    Args:
        tree: the folder.
        path: its path.
        seen: paths of the folders that were visited before, in this or other trees of the data set; updated.

    Raises:
        BadInput: because of links the data set contains a folder twice.
    """
    waiting = [(path, tree)]
    while waiting:
        where, one = waiting.pop()
        if id(one) in seen:
            raise BadInput(
                f"image_folder: {printable(seen[id(one)])} and {printable(where)} are the same folder (a link),"
                " whose pictures would count twice: remove the link"
            )
        seen[id(one)] = where
        yield where, one
        waiting += [(f"{where}/{name}", below) for name, below in reversed(one.folders.items())]
