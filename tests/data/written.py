"""Helpers: tiny data sets in the real formats, and options from the yaml files."""

import hashlib
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from bnlab.data.common import Common

CONF = Path(__file__).parents[2] / "conf" / "data"


def defaults(name: str) -> dict[str, Any]:
    """Return the options of conf/data/<name>.yaml, without those of _base.yaml."""
    options = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    assert isinstance(options, dict)
    return {str(key): value for key, value in options.items() if key not in ("name", "defaults")}


def common(**changes: Any) -> Common:
    """Return the common options with their defaults and `changes`."""
    return Common(**{**defaults("_base"), **changes})


def idx(path: Path, values: np.ndarray) -> None:
    """Return the bytes of an IDX file of unsigned bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


def mnist_like(root: Path, folder: str = "MNIST/raw", n_train: int = 30, n_test: int = 10) -> dict[str, np.ndarray]:
    """Write the four files of a data set of the MNIST family; return their content by file name."""
    draws = np.random.default_rng(0)
    content = {}
    for part, n in (("train", n_train), ("t10k", n_test)):
        content[f"{part}-images-idx3-ubyte"] = draws.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        content[f"{part}-labels-idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    for name, values in content.items():
        idx(root / folder / name, values)
    return content


def cifar_like(root: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch | None) -> dict[str, np.ndarray]:
    """Write the pickles of CIFAR, 4 images each; return the images of each file as N×C×H×W.

    Args:
        dataset: torchvision's class, which names the files.
        monkeypatch: publishes these files' checksums in place of the real ones; None to leave those.
    """
    draws = np.random.default_rng(0)
    folder = root / dataset.base_folder
    folder.mkdir(parents=True)
    names = [f"class {k}" for k in range(100 if "100" in dataset.__name__ else 10)]
    images = {}
    for file, _ in dataset.train_list + dataset.test_list:
        images[file] = draws.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
        labels = [(7 * k + 1) % len(names) for k in range(4)]
        entry = {"data": images[file].reshape(4, -1), "fine_labels" if len(names) == 100 else "labels": labels}
        (folder / file).write_bytes(pickle.dumps(entry))
    (folder / dataset.meta["filename"]).write_bytes(pickle.dumps({dataset.meta["key"]: names}))
    if monkeypatch is not None:
        for part in ("train_list", "test_list"):
            sums = [[file, _md5(folder / file)] for file, _ in getattr(dataset, part)]
            monkeypatch.setattr(dataset, part, sums)
        meta = {**dataset.meta, "md5": _md5(folder / dataset.meta["filename"])}
        monkeypatch.setattr(dataset, "meta", meta)
    return images


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def pictures(folder: Path, per_class: dict[str, int], suffix: str = ".png", mode: str = "RGB") -> None:
    """Write a folder per class with that many 12×8 pictures; red (or grey) encodes the class, green the picture."""
    for label, (name, count) in enumerate(per_class.items()):
        (folder / name).mkdir(parents=True)
        for k in range(count):
            colour: Any = (40 * label, k, 0) if mode == "RGB" else 40 * label
            Image.new(mode, (12, 8), colour).save(folder / name / f"{k:03}{suffix}")
