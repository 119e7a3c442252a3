"""The data sets of torchvision, on tiny files of the real formats and on real MNIST where it is at hand."""

import subprocess
import sys
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
    with pytest.raises(BadInput, match=r"is missing: set data.root to the folder that holds .*data.download=true"):
        dataset(root=str(tmp_path), download=False).fingerprint()


@pytest.mark.parametrize("dataset", [Mnist, Cifar10])
@pytest.mark.usefixtures("offline")
def test_a_download_that_fails(dataset: type[Mnist], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot download to .*Name or service not known.*check the network") as caught:
        dataset(root=str(tmp_path / "new"), download=True).arrays()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [], "what was made for it is gone"


@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
def test_a_root_that_is_too_deep(tmp_path: Path, below: str) -> None:
    mnist_like(tmp_path)
    for download in (False, True):
        with pytest.raises(BadInput, match=rf"did you mean data\.root={tmp_path}\?$"):
            Mnist(root=str(tmp_path / below), download=download).fingerprint()


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot download to"):
        Mnist(root=str(tmp_path / "file"), download=True).fingerprint()


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (IMAGES, lambda _: b"<!DOCTYPE html><html>Not found</html>", "no IDX file of 3 dimensions .*<!DOCTYPE"),
        (IMAGES, lambda data: data[:1000], "has 1000 bytes where its header promises 23536: put the original"),
        (IMAGES, lambda data: data[:9], r"is truncated \(9 bytes\)"),
        (IMAGES, lambda _: b"", r"is truncated \(0 bytes\)"),
        (IMAGES, lambda data: data + b"\n", "has 23537 bytes where its header promises 23536"),
        (
            LABELS,
            lambda data: b"\x1f\x8b\x08" + data,
            "no IDX file of 1 dimensions .*delete it and set data.download=true",
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
