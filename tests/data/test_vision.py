"""The data sets of torchvision, with tiny files of the real formats and with real MNIST if available."""

import gzip
import os
import shutil
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from torchvision import datasets

from bnlab.data import cache
from bnlab.data.vision import Cifar10, Cifar100, FashionMnist, Kmnist, Mnist
from bnlab.errors import BadInput

from .written import cifar_like, idx, mnist_like

SHARED = Path(__file__).parents[3] / "shared" / "data"
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FAMILY = [(Mnist, "MNIST/raw"), (FashionMnist, "FashionMNIST/raw"), (Kmnist, "KMNIST/raw")]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", fail)
    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", fail)


@pytest.mark.parametrize(("dataset", "folder"), FAMILY)
@pytest.mark.parametrize("download", [False, True])
@pytest.mark.usefixtures("offline")
def test_idx_files_are_decoded(dataset: type[Mnist], folder: str, download: bool, tmp_path: Path) -> None:
    content = mnist_like(tmp_path, folder)
    arrays = dataset(root=str(tmp_path), download=download).arrays()
    assert arrays.train_x.shape == (30, 1, 28, 28)
    assert arrays.train_x.dtype == np.uint8
    assert arrays.train_y.dtype == np.int64
    assert np.array_equal(arrays.train_x[:, 0], content["train-images-idx3-ubyte"])
    assert np.array_equal(arrays.test_x[:, 0], content["t10k-images-idx3-ubyte"])
    assert np.array_equal(arrays.test_y, content["t10k-labels-idx1-ubyte"])
    assert (arrays.task, arrays.classes, arrays.outputs, len(arrays.class_names)) == ("classification", 10, 10, 10)


@pytest.mark.parametrize(("dataset", "origin"), [(Cifar10, datasets.CIFAR10), (Cifar100, datasets.CIFAR100)])
@pytest.mark.parametrize("download", [False, True])
@pytest.mark.usefixtures("offline")
def test_cifar_pickles_are_decoded(
    dataset: type[Cifar10], origin: Any, download: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = cifar_like(tmp_path, origin, monkeypatch)
    arrays = dataset(root=str(tmp_path), download=download).arrays()
    assert np.array_equal(arrays.train_x, np.concatenate([images[file] for file, _ in origin.train_list]))
    assert np.array_equal(arrays.test_x, images[origin.test_list[0][0]])
    assert arrays.train_y[:4].tolist() == [1, 8, 15 % arrays.outputs, 22 % arrays.outputs]
    assert arrays.classes == len(arrays.class_names) == (100 if dataset is Cifar100 else 10)
    assert arrays.class_names[3] == "class 3"


@pytest.mark.parametrize(("dataset", "origin"), [(Cifar10, datasets.CIFAR10), (Cifar100, datasets.CIFAR100)])
def test_cifar_files_other_than_the_published_ones_are_refused(
    dataset: type[Cifar10], origin: Any, tmp_path: Path
) -> None:
    cifar_like(tmp_path, origin, None)
    with pytest.raises(BadInput, match=r"differs from the published one \(checksum\).*delete the folder"):
        dataset(root=str(tmp_path), download=False).arrays()


def test_a_truncated_cifar_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar_like(tmp_path, datasets.CIFAR10, monkeypatch)
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:-5])
    with pytest.raises(BadInput, match=r"cifar10: a file in .*cifar-10-batches-py differs"):
        Cifar10(root=str(tmp_path), download=True).arrays()


@pytest.mark.parametrize("dataset", [Mnist, Cifar10])
def test_missing_files_without_download(dataset: type[Mnist], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is missing: set data.root to the folder that contains .*data.download=true"):
        dataset(root=str(tmp_path), download=False).fingerprint()


@pytest.mark.parametrize("dataset", [Mnist, Cifar10])
@pytest.mark.usefixtures("offline")
def test_a_download_that_fails(dataset: type[Mnist], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot download to .*Name or service not known.*check the network") as caught:
        dataset(root=str(tmp_path / "new"), download=True).arrays()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [], "created folders are removed again"


def packed(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def dotted(path: Path) -> None:
    path.rename(path.with_name(path.name.replace("-idx", ".idx")))


def dotted_and_packed(path: Path) -> None:
    packed(path)
    dotted(path.with_name(path.name + ".gz"))


def in_folders(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / path.name).write_bytes(content)


def as_published(path: Path) -> None:
    pass


@pytest.mark.parametrize("folder", ["MNIST/raw", "MNIST", "raw", "."])
@pytest.mark.parametrize("name", [as_published, packed, dotted, dotted_and_packed, in_folders])
def test_other_layouts_are_the_same_data(name: Callable[[Path], None], folder: str, tmp_path: Path) -> None:
    content = mnist_like(tmp_path / "usual")
    usual = Mnist(root=str(tmp_path / "usual"), download=False)
    mnist_like(tmp_path / "x", folder)
    for file in IDX_FILES:
        name(tmp_path / "x" / folder / file)
    other = Mnist(root=str(tmp_path / "x"), download=False)
    assert other.fingerprint() == usual.fingerprint() == "9703ce8f7f82f9d542ed040edff46f78"
    shutil.rmtree(cache.folder())
    assert np.array_equal(other.arrays().train_x[:, 0], content["train-images-idx3-ubyte"])
    said = other.notes()
    if folder == "MNIST/raw" and name is as_published:
        assert said == usual.notes() == []
    else:
        assert len(said) == 1
        assert said[0].startswith(f"mnist: read from {tmp_path}/x/")
        assert said[0].endswith(" and 3 files beside it")


@pytest.mark.parametrize(("dataset", "folder"), FAMILY)
def test_arrays_equal_those_of_torchvision(dataset: type[Mnist], folder: str, tmp_path: Path) -> None:
    mnist_like(tmp_path, folder)
    arrays = dataset(root=str(tmp_path), download=False).arrays()
    for part, (x, y) in {"train": arrays.parts()["training"], "test": arrays.parts()["test"]}.items():
        theirs = getattr(datasets, dataset.origin)(tmp_path, train=part == "train")
        assert np.array_equal(x[:, 0], theirs.data)
        assert np.array_equal(y, theirs.targets)
        assert arrays.class_names == tuple(theirs.classes)


@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
@pytest.mark.parametrize("download", [False, True])
def test_the_folder_of_the_files_may_be_the_root(below: str, download: bool, tmp_path: Path) -> None:
    mnist_like(tmp_path)
    found = {Mnist(root=str(tmp_path / root), download=download).fingerprint() for root in (".", below)}
    assert len(found) == 1


@pytest.mark.parametrize(("dataset", "origin"), [(Cifar10, datasets.CIFAR10), (Cifar100, datasets.CIFAR100)])
@pytest.mark.parametrize("flat", ["its folder", "another"])
def test_cifar_may_lie_flat(
    dataset: type[Cifar10], origin: Any, flat: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = cifar_like(tmp_path, origin, monkeypatch)
    usual = dataset(root=str(tmp_path), download=False).fingerprint()
    root = tmp_path / origin.base_folder
    if flat == "another":
        root = root.rename(tmp_path / "here")
    other = dataset(root=str(root), download=False)
    assert other.fingerprint() == usual
    assert np.array_equal(other.arrays().test_x, images[origin.test_list[0][0]])


def test_the_files_of_a_relative_are_refused(tmp_path: Path) -> None:
    mnist_like(tmp_path, ".")
    idx(tmp_path / "t10k-labels-idx1-ubyte", np.array([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]))
    assert len(Mnist(root=str(tmp_path), download=False).arrays().test_x) == 10
    with pytest.raises(BadInput, match=r"has the labels of mnist: choose data=mnist, or set data.root to the folder"):
        FashionMnist(root=str(tmp_path), download=False).fingerprint()


def test_a_folder_with_some_of_the_files_is_the_one_that_is_named(tmp_path: Path) -> None:
    mnist_like(tmp_path, ".")
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(BadInput, match=rf"{tmp_path}/t10k-labels-idx1-ubyte is missing: set data.root to the folder"):
        Mnist(root=str(tmp_path), download=False).fingerprint()


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("closed", ["MNIST", f"MNIST/raw/{IDX_FILES[0]}"])
def test_what_may_not_be_read_is_one_line(closed: str, tmp_path: Path) -> None:
    mine = os.geteuid()
    os.seteuid(os.getuid())
    mnist_like(tmp_path)
    (tmp_path / closed).chmod(0)
    os.seteuid(mine)
    with pytest.raises(BadInput, match=r"cannot read .*MNIST.* \(Permission denied\): check data.root"):
        Mnist(root=str(tmp_path), download=False).fingerprint()
    os.seteuid(os.getuid())
    (tmp_path / closed).chmod(0o700)


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot download to"):
        Mnist(root=str(tmp_path / "file"), download=True).fingerprint()


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def header(*sides: int) -> bytes:
    return bytes([0, 0, 8, len(sides)]) + struct.pack(f">{len(sides)}I", *sides)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (IMAGES, lambda _: b"<!DOCTYPE html><html>Not found</html>", "not an IDX file of 3 dimensions .*<!DOCTYPE"),
        (IMAGES, lambda data: data[:1000], "has 1000 bytes, but its header says 23536: put the original"),
        (IMAGES, lambda data: data[:9], r"is truncated \(9 bytes\)"),
        (IMAGES, lambda _: b"", r"is truncated \(0 bytes\)"),
        (IMAGES, lambda data: data + b"\n", "has 23537 bytes, but its header says 23536"),
        (
            LABELS,
            lambda data: b"\x1f\x8b\x08" + data,
            "not an IDX file of 1 dimensions .*delete it and set data.download=true",
        ),
        (IMAGES, lambda data: header(0, 28, 28), "mnist: the training set is empty"),
        (IMAGES, lambda data: header(30, 0, 28), "has pictures of 0×28 pixels, which are empty"),
        (
            IMAGES,
            lambda data: header(2**32 - 1, 2**32 - 1, 2**32 - 1),
            "16 bytes, but its header says 79228162458",
        ),
        (LABELS, lambda data: data[:-1] + b"\x0a", "training labels range from 0 to 10, but 10 classes allow 0 to 9"),
    ],
)
def test_wrong_idx_files(file: str, change: Any, message: str, tmp_path: Path) -> None:
    mnist_like(tmp_path)
    path = tmp_path / "MNIST/raw" / file
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match=message) as caught:
        Mnist(root=str(tmp_path), download=True).arrays()
    assert "\n" not in str(caught.value)


def test_images_and_labels_of_unlike_number(tmp_path: Path) -> None:
    mnist_like(tmp_path)
    idx(tmp_path / "MNIST/raw" / LABELS, np.zeros(29))
    with pytest.raises(BadInput, match="mnist: 30 training examples but 29 labels"):
        Mnist(root=str(tmp_path), download=False).arrays()


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    for place in ("here", "there"):
        mnist_like(tmp_path / place)
    here, there = (Mnist(root=str(tmp_path / place), download=False).fingerprint() for place in ("here", "there"))
    assert here == there
    idx(tmp_path / "there/MNIST/raw" / LABELS, np.zeros(30))
    assert Mnist(root=str(tmp_path / "there"), download=False).fingerprint() != here


def test_a_kept_copy_needs_neither_decoding_nor_torch(tmp_path: Path) -> None:
    mnist_like(tmp_path)
    Mnist(root=str(tmp_path), download=True).arrays()
    code = (
        "import sys; from bnlab.data.vision import Mnist\n"
        f"assert len(Mnist(root={str(tmp_path)!r}, download=True).arrays().train_x) == 30\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list((cache.folder() / "arrays").iterdir())


@pytest.mark.skipif(not (SHARED / "MNIST").is_dir(), reason="the real MNIST is not in ../shared/data")
def test_real_mnist() -> None:
    dataset = Mnist(root=str(SHARED), download=True)
    arrays = dataset.arrays()
    assert (arrays.train_x.shape, arrays.test_x.shape) == ((60000, 1, 28, 28), (10000, 1, 28, 28))
    assert np.bincount(arrays.train_y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert round(float(arrays.train_x.mean()) / 255, 4) == 0.1307
    assert dataset.fingerprint() == "1bd070f1c530bbc53fa326d6da33e5f1"


GZIPPED = {
    "no gzip": (b"\x00\x00\x08\x03", "is not a valid gzip file (Not a gzipped file"),
    "empty": (b"", "is truncated (0 bytes)"),
    "cut": (
        gzip.compress(header(30, 28, 28) + bytes(30 * 784))[:-9],
        "is not a valid gzip file (Compressed file ended",
    ),
    "a wrong sum": (
        gzip.compress(header(30, 28, 28) + bytes(30 * 784))[:-8] + bytes(8),
        "is not a valid gzip file (CRC",
    ),
    "too short": (gzip.compress(header(30, 28, 28) + bytes(100)), "has 116 bytes, but its header says 23536"),
    "too long": (gzip.compress(header(30, 28, 28) + bytes(30 * 784 + 1)), "has more than 23536 bytes, but its header"),
    "a bomb": (gzip.compress(header(30, 28, 28) + bytes(1 << 27)), "has more than 23536 bytes, but its header"),
    "2^40 promised": (gzip.compress(header(2**20, 2**10, 2**10)), "has 1.0 TB by its header, above the limit"),
    "a page": (
        gzip.compress(b"<!DOCTYPE html><html>"),
        "is not an IDX file of 3 dimensions (it begins with b'<!DOCTYPE",
    ),
    "damaged": (
        gzip.compress(header(30, 28, 28) + bytes(30 * 784))[:12] + bytes(50),
        "is not a valid gzip file (Error -3",
    ),
}


@pytest.mark.parametrize("name", GZIPPED)
def test_wrong_compressed_files(name: str, tmp_path: Path) -> None:
    content, message = GZIPPED[name]
    mnist_like(tmp_path)
    (tmp_path / "MNIST/raw" / IMAGES).unlink()
    (tmp_path / "MNIST/raw" / f"{IMAGES}.gz").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(BadInput) as caught:
        Mnist(root=str(tmp_path), download=False).arrays()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 1 << 25
