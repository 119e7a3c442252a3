"""The data sets that torchvision downloads and decodes: the MNIST family and CIFAR.

torchvision takes seconds to import and brings torch, so it is imported only to download and to decode; the rest of a
launch (existence, fingerprint, cached arrays) does without.
"""

import tarfile
import textwrap
from abc import abstractmethod
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bnlab.data import cache, fingerprint, idx
from bnlab.data.base import Array, Arrays, Dataset
from bnlab.errors import BadInput


class _Torchvision(Dataset):
    """A data set of `torchvision.datasets`.

    Args:
        root: folder that holds the data set's own folder, as torchvision lays it out.
        download: fetch missing files.
    """

    origin: ClassVar[str]  # its class in torchvision.datasets
    folder: ClassVar[str]  # below the root
    files: ClassVar[tuple[str, ...]]  # what is decoded, below the folder

    def __init__(self, *, root: str, download: bool) -> None:
        self.root = Path(root).expanduser()
        self.download = download

    def fingerprint(self) -> str:
        missing = self._missing()
        if missing:
            for root in list(self.root.absolute().parents)[:2]:  # what holds the images themselves, given for the root
                if all((root / name).is_file() for name in self._names()):
                    raise BadInput(
                        f"{self.name}: {self.root} does not hold {self.folder}: did you mean data.root={root}?"
                    )
        if missing and self.download:
            self._fetch()
            missing = self._missing()
        if missing:
            raise BadInput(
                f"{self.name}: {self.root / missing[0]} is missing: set data.root to the folder that holds"
                f" {self.folder}, or data.download=true"
            )
        self._check_files()
        return fingerprint.of_files(self.root, self._names())

    def _names(self) -> list[str]:
        return [f"{self.folder}/{file}" for file in self.files]

    def _missing(self) -> list[str]:
        return [name for name in self._names() if not (self.root / name).is_file()]

    def _check_files(self) -> None:
        """Raise `BadInput` where a file's form is wrong; by default that is left to torchvision's checksums."""

    def _fetch(self) -> None:
        from torchvision import datasets

        place = self.root / self.folder
        new = [path for path in (place, *place.parents) if not path.exists()]
        try:
            getattr(datasets, self.origin)(self.root, download=True)
        except (OSError, RuntimeError, HTTPException, tarfile.TarError, EOFError) as error:
            for path in new:
                with suppress(OSError):  # not there, or something has come into it
                    path.rmdir()
            reason = " ".join(str(error).split())
            raise BadInput(
                f"{self.name}: cannot download to {self.root} ({textwrap.shorten(reason, 160)}): check the network, or"
                f" put {self.folder} there by hand, or set data.root to a folder that holds it"
            ) from error

    def _load(self) -> Arrays:
        return cache.decoded({"dataset": self.name, "fingerprint": self.fingerprint()}, self._decode)

    def _decode(self) -> Arrays:
        from torchvision import datasets

        origin = getattr(datasets, self.origin)
        try:
            train, test = (origin(self.root, train=part, download=False) for part in (True, False))
        except RuntimeError as error:
            raise BadInput(
                f"{self.name}: a file in {self.root / self.folder} differs from the published one (checksum): put the"
                " original there, or delete the folder and set data.download=true"
            ) from error
        return Arrays(
            train_x=self._images(train.data),
            train_y=np.ascontiguousarray(train.targets, np.int64),
            test_x=self._images(test.data),
            test_y=np.ascontiguousarray(test.targets, np.int64),
            task="classification",
            classes=len(train.classes),
            outputs=len(train.classes),
            class_names=tuple(train.classes),
        )

    @staticmethod
    @abstractmethod
    def _images(data: Any) -> Array:
        """torchvision's images as uint8 N×C×H×W."""


class _Idx(_Torchvision):
    """A relative of MNIST: 60,000 + 10,000 grey images of 28×28 in four IDX files."""

    files = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

    def _check_files(self) -> None:
        for file in self.files:
            idx.check(self.root / self.folder / file, dimensions=3 if "images" in file else 1)

    @staticmethod
    def _images(data: Any) -> Array:
        return np.ascontiguousarray(data.numpy()[:, None], np.uint8)


class Mnist(_Idx):
    """Handwritten digits (Y. LeCun, C. Cortes, C. Burges, 1998)."""

    name = "mnist"
    origin = "MNIST"
    folder = "MNIST/raw"


class FashionMnist(_Idx):
    """Clothes (H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747)."""

    name = "fashion_mnist"
    origin = "FashionMNIST"
    folder = "FashionMNIST/raw"


class Kmnist(_Idx):
    """Cursive Japanese characters (T. Clanuwat et al., 2018, arXiv:1812.01718)."""

    name = "kmnist"
    origin = "KMNIST"
    folder = "KMNIST/raw"


class _Cifar(_Torchvision):
    """A CIFAR set: 50,000 + 10,000 colour images of 32×32 in pickles whose checksums torchvision knows."""

    @staticmethod
    def _images(data: Any) -> Array:
        return np.ascontiguousarray(data.transpose(0, 3, 1, 2), np.uint8)


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
