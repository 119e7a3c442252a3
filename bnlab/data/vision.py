"""Data sets that torchvision downloads: the MNIST family and CIFAR.

torchvision takes seconds to import and imports torch, so it is imported only to download and to decode CIFAR; the rest
(finding files, fingerprint, cached arrays) does not need it.

Files are found where torchvision puts them, and also directly in the given folder. The fingerprint is computed from
their content and torchvision's names, so that it does not depend on the layout.
"""

import tarfile
import textwrap
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from bnlab.data import cache, idx, paths
from bnlab.data.base import Array, Arrays, Dataset, Progress
from bnlab.data.fingerprint import Content, of_files, plain
from bnlab.errors import BadInput
from bnlab.text import printable


class Found(NamedTuple):
    """Location of a data set's files.

    Attributes:
        folder: path below the root; empty for the root itself.
        files: the name of each file below that folder, by its usual name.
    """

    folder: str
    files: Mapping[str, str]


class _Published(Dataset):
    """Base class of downloadable data sets.

    Args:
        root: folder that contains the data set's folder, in torchvision's layout, or the files themselves.
        download: download missing files.
    """

    origin: ClassVar[str]  # its class in torchvision.datasets
    folder: ClassVar[str]  # below the root
    files: ClassVar[tuple[str, ...]]  # files to decode, below the folder

    def __init__(self, *, root: str, download: bool) -> None:
        self.root = paths.expanded(root)
        self.download = download

    def fingerprint(self) -> str:
        return self._fingerprint(self._located())

    def notes(self) -> list[str]:
        found = self._located()
        if found == Found(self.folder, {file: file for file in self.files}):
            return []
        first, *others = found.files.values()
        where = printable(str(self.root / found.folder / first))
        return [f"{self.name}: read from {where} and {len(others)} files beside it"]

    def _located(self) -> Found:
        """Return the location of the files, downloading them if needed.

        Raises:
            BadInput: files are missing or wrong.
        """
        found = self._find()
        if found.files.keys() != set(self.files) and self.download:
            self._fetch()
            found = self._find()
        missing = [file for file in self.files if file not in found.files]
        if missing:
            raise BadInput(
                f"{self.name}: {printable(str(self.root / found.folder / missing[0]))} is missing: set data.root to the"
                f" folder that contains {self.folder} or the files themselves, or data.download=true"
            )
        self._check_files(found)
        return found

    def _find(self) -> Found:
        """Return the folder that has most of the files, in case of ties the first of `_folders`."""
        places = [Found(folder, self._files_in(folder)) for folder in self._folders()]
        return max(places, key=lambda place: len(place.files))  # the first in case of ties

    def _folders(self) -> list[str]:
        """Return the folders below the root that may contain the files, the usual one first."""
        parts = self.folder.split("/")
        inner = ["/".join(parts[k:]) for k in range(len(parts) + 1)]
        return list(dict.fromkeys([*inner, parts[0]]))

    def _files_in(self, folder: str) -> dict[str, str]:
        found = {}
        for file in self.files:
            for name in self._names(file):
                if paths.kind(self.root / folder / name) == "file":
                    found[file] = name
                    break
        return found

    def _names(self, file: str) -> list[str]:
        """Return the names that a file may have, the usual one first."""
        return [file]

    def _check_files(self, found: Found) -> None:
        """Raise `BadInput` if the format of a file is wrong; by default torchvision's checksums detect that."""

    def _fingerprint(self, found: Found) -> str:
        at = {
            f"{self.folder}/{file}": f"{found.folder}/{name}" if found.folder else name
            for file, name in found.files.items()
        }
        return of_files(self.root, at, at=at, content=self._content)

    @staticmethod
    def _content(path: Path) -> Content:
        """Return the content for the fingerprint: the length and the bytes of a file."""
        return plain(path)

    def _fetch(self) -> None:
        from torchvision import datasets

        place = self.root / self.folder
        new = [path for path in (place, *place.parents) if not path.exists()]
        try:
            getattr(datasets, self.origin)(self.root, download=True)
        except (OSError, RuntimeError, HTTPException, tarfile.TarError, EOFError) as error:
            for path in new:
                with suppress(OSError):  # missing, or not empty any more
                    path.rmdir()
            reason = printable(" ".join(str(error).split()))
            raise BadInput(
                f"{self.name}: cannot download to {printable(str(self.root))} ({textwrap.shorten(reason, 160)}): check"
                f" the network, or put {self.folder} there yourself, or set data.root to a folder that contains it"
            ) from error

    def _load(self, _: Progress, /) -> Arrays[Array]:
        found = self._located()
        key = {"dataset": self.name, "fingerprint": self._fingerprint(found)}
        return cache.decoded(key, lambda: self._decode(found))

    @abstractmethod
    def _decode(self, found: Found) -> Arrays[Array]:
        """Return the arrays decoded from the files."""


class _Idx(_Published):
    """Base class of the MNIST family: 60,000 + 10,000 grey images of 28×28 in four IDX files."""

    files = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    classes: ClassVar[tuple[str, ...]]

    def _names(self, file: str) -> list[str]:
        other = file.replace("-idx", ".idx")
        plain = [file, other, f"{file}/{file}", f"{other}/{other}", f"{file}/{other}"]  # unpacked into folders
        return plain + [f"{name}.gz" for name in (file, other)]

    def _check_files(self, found: Found) -> None:
        for name in found.files.values():
            path = self.root / found.folder / name
            idx.check(path, dimensions=_dimensions(path))
        if found.folder != self.folder:
            self._check_family(found)

    def _check_family(self, found: Found) -> None:
        """Raise `BadInput` for files of another data set of the family, whose names are the same."""
        path = self.root / found.folder / found.files["t10k-labels-idx1-ubyte"]
        first = idx.values(path, 1)[:10].tolist()
        for name, labels in FIRST_LABELS.items():
            if first == labels and name != self.name:
                raise BadInput(
                    f"{self.name}: {printable(str(path))} has the labels of {name}: choose data={name}, or set"
                    f" data.root to the folder that contains {self.folder}"
                )

    @staticmethod
    def _content(path: Path) -> Content:
        return idx.blocks(path, _dimensions(path))

    def _decode(self, found: Found) -> Arrays[Array]:
        train_x, train_y, test_x, test_y = (
            idx.values(path, _dimensions(path))
            for path in (self.root / found.folder / found.files[file] for file in self.files)
        )
        return Arrays(
            train_x=train_x[:, None],
            train_y=train_y.astype(np.int64),
            test_x=test_x[:, None],
            test_y=test_y.astype(np.int64),
            task="classification",
            classes=len(self.classes),
            outputs=len(self.classes),
            class_names=self.classes,
        )


def _dimensions(path: Path) -> int:
    return 3 if "images" in path.name else 1


class Mnist(_Idx):
    """Handwritten digits (Y. LeCun, C. Cortes, C. Burges, 1998)."""

    name = "mnist"
    origin = "MNIST"
    folder = "MNIST/raw"
    classes = ("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine")  # fmt: skip


class FashionMnist(_Idx):
    """Clothes (H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747)."""

    name = "fashion_mnist"
    origin = "FashionMNIST"
    folder = "FashionMNIST/raw"
    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
               "Ankle boot")  # fmt: skip


class Kmnist(_Idx):
    """Cursive Japanese characters (T. Clanuwat et al., 2018, arXiv:1812.01718)."""

    name = "kmnist"
    origin = "KMNIST"
    folder = "KMNIST/raw"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


# The first labels of the published test sets.
FIRST_LABELS = {"mnist": [7, 2, 1, 0, 4, 1, 4, 9, 5, 9], "fashion_mnist": [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]}


class _Cifar(_Published):
    """Base class of CIFAR: 50,000 + 10,000 colour images of 32×32 in pickles, verified by torchvision's checksums."""

    def _decode(self, found: Found) -> Arrays[Array]:
        from torchvision import datasets

        published = getattr(datasets, self.origin)
        origin = type(self.origin, (published,), {"base_folder": found.folder})  # where torchvision looks for the files
        try:
            train, test = (origin(self.root, train=part, download=False) for part in (True, False))
        except RuntimeError as error:
            raise BadInput(
                f"{self.name}: a file in {printable(str(self.root / found.folder))} differs from the published one"
                " (checksum): put the original there, or delete the folder and set data.download=true"
            ) from error
        except OSError as error:
            raise paths.unreadable(error.filename or self.root, error) from error
        return Arrays(
            train_x=_channels_first(train.data),
            train_y=np.ascontiguousarray(train.targets, np.int64),
            test_x=_channels_first(test.data),
            test_y=np.ascontiguousarray(test.targets, np.int64),
            task="classification",
            classes=len(train.classes),
            outputs=len(train.classes),
            class_names=tuple(train.classes),
        )


def _channels_first(x_NHWC: Array) -> Array:
    return np.ascontiguousarray(x_NHWC.transpose(0, 3, 1, 2), np.uint8)


class Cifar10(_Cifar):
    """Ten classes (A. Krizhevsky, 2009)."""

    name = "cifar10"
    origin = "CIFAR10"
    folder = "cifar-10-batches-py"
    files = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta")


class Cifar100(_Cifar):
    """A hundred classes (A. Krizhevsky, 2009)."""

    name = "cifar100"
    origin = "CIFAR100"
    folder = "cifar-100-python"
    files = ("train", "test", "meta")
