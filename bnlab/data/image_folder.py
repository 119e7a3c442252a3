"""Pictures in folders, one folder per class."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import PIL

from bnlab.data import cache, fingerprint, paths
from bnlab.data.base import Array, Arrays, Dataset, Progress, Undecoded
from bnlab.data.decode import decoded
from bnlab.data.listing import Listing, listing
from bnlab.data.split import hold_out
from bnlab.errors import BadInput
from bnlab.options import Count
from bnlab.text import printable

PARTS = {"train": "training", "val": "validation", "test": "test"}
VERSION = "2"  # version of the decoding; part of the fingerprint


class Selection(NamedTuple):
    """Pictures of a training, test or validation set: names below the root, and labels."""

    names: Sequence[str]
    labels: Array


class ImageFolder(Dataset):
    """Data set of pictures in a folder.

    The layout is `root/<class>/…`, or `root/train/<class>/…` with `root/test/<class>/…`, `root/val/<class>/…` or both.

    Splits may have synonyms of these names, in upper or lower case (`bnlab.data.layout`). Classes are the sorted folder
    names. Without a test set a fixed random fifth is held out. With only `train` and `val`, `val` is the test set and
    validation is drawn from `train` as for other data sets; with `test` too, `val` is the validation set. Links are
    followed; hidden files and folders are ignored.

    A picture is rotated by its EXIF orientation and, if transparent, put on a white background; its shorter side is
    scaled to `size` and the longer cropped around the middle. Only pictures that are used are decoded.

    Args:
        root: the folder.
        size: height and width of the images, in pixels.
        channels: 3 for colour, 1 for grey; pictures of the other kind are converted.
    """

    name = "image_folder"

    def __init__(self, *, root: str, size: Count, channels: Literal[1, 3]) -> None:
        self.root = paths.expanded(root)
        self.size = size
        self.channels = channels

    def fingerprint(self) -> str:
        return self._fingerprint(self._listing())

    def notes(self) -> list[str]:
        found = self._listing()
        sets = self._sets(found)
        classes = [printable(name) for name in found.parts["train"].classes]
        counts = [f"{len(sets[part].names):,} {word}" for part, word in PARTS.items() if part in sets]
        lines = [
            f"{', '.join(counts[:-1])} and {counts[-1]} pictures of {len(classes)} classes ({_some(classes)}) in"
            f" {printable(str(self.root))}{_source(found)}"
        ]
        untested = sorted(set(range(len(classes))) - set(sets["test"].labels.tolist()))
        if untested:
            lines.append(
                f"no test picture of {_some([classes[k] for k in untested])}: too few pictures to hold one out"
            )
        if passed := found.passed.text():
            lines.append(f"ignored {passed}")
        return [f"{self.name}: {line}" for line in lines]

    def _fingerprint(self, found: Listing) -> str:
        """Return a hash that uses the usual names of splits, so that `Train` and `train` are the same data."""
        at: dict[str, str] = {}
        for part in found.parts.values():
            at |= {f"{part.split}{name[len(part.folder) :]}" if part.folder else name: name for name in part.names}
        return fingerprint.of_files(self.root, at, at=at, version=VERSION)

    def _load(self, progress: Progress, /) -> Arrays[Undecoded]:
        found = self._listing()
        key = {
            "dataset": self.name,
            "fingerprint": self._fingerprint(found),
            "size": self.size,
            "channels": self.channels,
            "pillow": PIL.__version__,
        }
        sets = self._sets(found)
        x = {part: _Pictures(self, selection.names, key, progress) for part, selection in sets.items()}
        classes = found.parts["train"].classes
        return Arrays(
            train_x=x["train"],
            train_y=sets["train"].labels,
            test_x=x["test"],
            test_y=sets["test"].labels,
            task="classification",
            classes=len(classes),
            outputs=len(classes),
            class_names=tuple(map(printable, classes)),
            val_x=x.get("val"),
            val_y=sets["val"].labels if "val" in sets else None,
        )

    def _listing(self) -> Listing:
        if paths.kind(self.root) != "folder":
            raise BadInput(
                f"image_folder: {printable(str(self.root))} is not a folder: set data.root to the folder that contains"
                " the classes"
            )
        return listing(self.root)

    def _sets(self, found: Listing) -> dict[str, Selection]:
        """Return the training, validation and test set; a missing test set is drawn from the training set."""
        sets = {
            part: Selection(listed.names, np.array(listed.labels, np.int64)) for part, listed in found.parts.items()
        }
        if "test" not in sets:
            names, labels = sets["train"]
            for part, index in zip(("train", "test"), _held_out(labels), strict=True):
                sets[part] = Selection([names[k] for k in index], labels[index])
            if not sets["test"].names:
                where = printable(str(self.root / found.parts["train"].folder))
                raise BadInput(
                    f"image_folder: {where} has too few pictures ({len(names)} of {len(found.parts['train'].classes)}"
                    " classes) to hold out a fifth for testing: add some, or put test pictures in a folder test beside"
                    " a folder train"
                )
        return sets


def _held_out(labels: Array) -> tuple[Array, Array]:
    """Return the indices for training and for testing: a fixed random fifth, but every class keeps one for training.

    If all pictures of a class would be held out, one of them is exchanged for one of a class that has more.
    """
    train, train_y, test, test_y = (part.tolist() for part in hold_out(np.arange(len(labels)), labels))
    left = Counter(train_y)
    for label in sorted(set(test_y) - set(train_y)):
        at = test_y.index(label)
        train.append(test.pop(at))
        train_y.append(test_y.pop(at))
        other = next((n for n in reversed(range(len(train))) if left[train_y[n]] > 1), None)
        if other is not None:
            left[train_y[other]] -= 1
            test.append(train.pop(other))
            test_y.append(train_y.pop(other))
    return np.array(train, np.int64), np.array(test, np.int64)


class _Pictures(Undecoded):
    """Undecoded pictures of one set; decoded ones are cached per selection."""

    def __init__(
        self, source: ImageFolder, names: Sequence[str], key: Mapping[str, object], progress: Progress
    ) -> None:
        self.shape = (len(names), source.channels, source.size, source.size)
        self._source, self._names, self._key, self._progress = source, names, key, progress

    def take(self, *indices: Array) -> list[Array]:
        used = np.unique(np.concatenate(indices))
        names = [self._names[k] for k in used]
        digest = hashlib.blake2b(b"\0".join(map(os.fsencode, names)), digest_size=16).hexdigest()
        x = cache.decoded_array({**self._key, "pictures": digest}, lambda: self._decoded(names))
        return [x[np.searchsorted(used, index)] for index in indices]

    def _decoded(self, names: Sequence[str]) -> Array:
        """Return the decoded pictures.

        Raises:
            BadInput: some cannot be decoded, or have changed since the fingerprint was computed.
        """
        _, channels, size, _ = self.shape
        x = decoded([f"{self._source.root}/{name}" for name in names], size, channels, self._progress)
        if self._source.fingerprint() != self._key["fingerprint"]:
            where = printable(str(self._source.root))
            raise BadInput(f"image_folder: pictures in {where} changed during reading: run the command again later")
        return x


def _source(found: Listing) -> str:
    """Return a clause on the source of the sets: their folders, or that the test set is held out."""
    parts = found.parts
    if "test" not in parts:
        return "; the test set is a fixed random fifth"
    return "/{" + ",".join(printable(part.folder) for part in parts.values()) + "}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
