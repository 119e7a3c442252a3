"""Pictures in folders, one folder a class."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import PIL

from bnlab.data import cache, fingerprint
from bnlab.data.base import Array, Arrays, Dataset
from bnlab.data.split import hold_out
from bnlab.errors import BadInput
from bnlab.options import Count

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
HELD_OUT = ("val", "test")


class Listing(NamedTuple):
    """Images of one part: their names below the root, sorted by class and name, and their labels."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]


class ImageFolder(Dataset):
    """Pictures as `root/<class>/…`, or `root/train/<class>/…` with `root/test/<class>/…`, `root/val/<class>/…` or both.

    Classes are the sorted folder names. Without a published test set a fixed random fifth is held out. With `train` and
    `val` alone, `val` is the test set and validation is drawn from `train` as for any data set; with `test` too, it is
    the validation set. The shorter side of a picture is scaled to `size` and the longer cropped around its middle.

    Args:
        root: the folder.
        size: height and width of the images, in pixels.
        channels: 3 for colour, 1 for grey; pictures of the other kind are converted.
    """

    name = "image_folder"

    def __init__(self, *, root: str, size: Count, channels: Literal[1, 3]) -> None:
        self.root = Path(root).expanduser()
        self.size = size
        self.channels = channels

    def fingerprint(self) -> str:
        return self._fingerprint(self._parts())

    def _fingerprint(self, parts: dict[str, Listing]) -> str:
        return fingerprint.of_files(self.root, [name for part in parts.values() for name in part.names])

    def _load(self) -> Arrays:
        parts = self._parts()
        key = {
            "dataset": self.name,
            "fingerprint": self._fingerprint(parts),
            "size": self.size,
            "channels": self.channels,
            "pillow": PIL.__version__,
        }
        return cache.decoded(key, lambda: self._decode(parts))

    def _parts(self) -> dict[str, Listing]:
        """The listings, as "train" and, where they exist, "val" and "test"."""
        if not self.root.is_dir():
            raise BadInput(
                f"image_folder: {self.root} is no folder: set data.root to the folder that holds the classes"
            )
        there = [part for part in ("train", *HELD_OUT) if (self.root / part).is_dir()]
        if not there:
            return {"train": _listing(self.root, self.root)}
        if "train" not in there:
            raise BadInput(f"image_folder: {self.root} has a folder {there[0]} but none called train: add or rename it")
        parts = {part: _listing(self.root, self.root / part) for part in there}
        for part in there[1:]:
            odd = sorted(set(parts[part].classes) ^ set(parts["train"].classes))
            if odd:
                raise BadInput(
                    f"image_folder: class folder {odd[0]} is in only one of train and {part} of {self.root}"
                    f" ({len(odd)} such): both need the same class folders"
                )
        if there == ["train", "val"]:
            parts["test"] = parts.pop("val")
        return parts

    def _decode(self, parts: dict[str, Listing]) -> Arrays:
        decoded = {part: (self._images(listing.names), np.array(listing.labels)) for part, listing in parts.items()}
        train_x, train_y = decoded["train"]
        if "test" in decoded:
            test_x, test_y = decoded["test"]
        else:
            train_x, train_y, test_x, test_y = hold_out(train_x, train_y)
        val_x, val_y = decoded.get("val", (None, None))
        classes = parts["train"].classes
        return Arrays(
            train_x=train_x,
            train_y=train_y,
            test_x=test_x,
            test_y=test_y,
            task="classification",
            classes=len(classes),
            outputs=len(classes),
            class_names=classes,
            val_x=val_x,
            val_y=val_y,
        )

    def _images(self, names: Sequence[str]) -> Array:
        x_NCHW = np.empty((len(names), self.channels, self.size, self.size), np.uint8)
        read = partial(_image, size=self.size, channels=self.channels)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # Pillow decodes outside Python's lock
            for n, x_CHW in enumerate(threads.map(read, (self.root / name for name in names))):
                x_NCHW[n] = x_CHW
        return x_NCHW


def _listing(root: Path, folder: Path) -> Listing:
    """The images below `folder`, which holds one folder a class."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise BadInput(
            f"image_folder: {folder} has no class folders: put the pictures of each class in a folder of its own"
        )
    if len(classes) == 1:
        raise BadInput(
            f"image_folder: {folder} has only one class folder, {classes[0]}: two or more are needed (if the"
            f" classes are in it, set data.root={folder / classes[0]})"
        )
    names: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _pictures(root, folder / name)
        if not found:
            raise BadInput(
                f"image_folder: {folder / name} has no picture ({' '.join(SUFFIXES)}): add some or remove it"
            )
        names += found
        labels += [label] * len(found)
    return Listing(tuple(classes), tuple(names), tuple(labels))


def _pictures(root: Path, folder: Path) -> list[str]:
    """Names below `root` of the pictures anywhere below `folder`, as strings: `Path` would take a second for 60,000."""
    base = f"{root}/"
    return sorted(
        f"{where}/{file}"[len(base) :]
        for where, _, files in os.walk(base + folder.relative_to(root).as_posix())
        for file in files
        if file.lower().endswith(SUFFIXES) and not file.startswith(".")
    )


def _image(path: Path, size: int, channels: int) -> Array:
    """The picture as uint8 C×size×size.

    Raises:
        BadInput: it cannot be read, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise BadInput(f"image_folder: {path} has more than 8 bits a channel: convert it to an 8-bit picture")
            converted = picture.convert("RGB" if channels == 3 else "L")
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"image_folder: cannot read {path} ({reason}): replace or remove that file") from error
    if converted.size != (size, size):
        converted = ImageOps.fit(converted, (size, size), Image.Resampling.BILINEAR)
    x_HWC = np.asarray(converted).reshape(size, size, channels)
    return x_HWC.transpose(2, 0, 1)
