"""Decode picture files into arrays with Pillow.

A picture is rotated by its EXIF orientation, put on a white background if it is transparent, converted to colour or
grey, scaled so that its shorter side has the given size, and cropped around the middle. Of an animation the first frame
is used.
"""

import struct
import warnings
import zlib
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from bnlab.data.base import Array, Undecodable
from bnlab.text import printable

# Suffixes of pictures. The installed Pillow may not read all of them: see `is_readable`.
SUFFIXES = (
    ".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".jpx", ".jxl", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
BACKGROUND = "white"
NAMED = 3  # pictures or folders that a message names at most
# Inverse of each EXIF orientation; 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Errors that Pillow raises for damaged files, including those from fields that it does not check.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, AttributeError, ArithmeticError,
           struct.error, zlib.error, MemoryError, RuntimeError, Image.DecompressionBombError)  # fmt: skip


@cache
def is_readable(suffix: str) -> bool:
    """Return whether the installed Pillow reads files with this suffix."""
    kind = Image.registered_extensions().get(suffix)
    return kind is not None and kind in Image.OPEN


class Fault(NamedTuple):
    """A picture that cannot be used.

    Attributes:
        path: the file.
        reason: why it cannot be read; None if it has more than 8 bits per channel.
    """

    path: str
    reason: str | None


class Images(NamedTuple):
    """Pictures as uint8 N×C×size×size; the values of those that cannot be used are undefined."""

    x: Array
    faults: list[Fault]


def images(paths: Sequence[str], size: int, channels: int) -> Images:
    """Return the decoded pictures, and the faults of those that cannot be used."""
    x_NCHW = np.empty((len(paths), channels, size, size), np.uint8)
    faults = []
    for n, path in enumerate(paths):
        found = _image(path, size, channels)
        if isinstance(found, Fault):
            faults.append(found)
        else:
            x_NCHW[n] = np.asarray(found).reshape(size, size, channels).transpose(2, 0, 1)
    return Images(x_NCHW, faults)


def check(faults: Sequence[Fault], total: int) -> None:
    """Check that all pictures can be used.

    Raises:
        Undecodable: some cannot; the message has their number and the first names.
    """
    faults = sorted(faults, key=lambda fault: fault.path)
    unread = [f"{printable(fault.path)} ({fault.reason})" for fault in faults if fault.reason is not None]
    deep = [printable(fault.path) for fault in faults if fault.reason is None]
    lines = []
    if unread:
        which = f"{len(unread):,} of {total:,} pictures: " if len(unread) > 1 else ""
        remedy = "replace or remove " + ("them" if which else "that file")
        lines.append(f"cannot read {which}{first(unread)}: {remedy}")
    if len(deep) == 1:
        lines.append(f"{deep[0]} has more than 8 bits per channel: convert it to an 8-bit picture")
    elif deep:
        have = f"{len(deep):,} of {total:,} pictures have more than 8 bits per channel"
        lines.append(f"{have}: convert them to 8-bit pictures: {first(deep)}")
    if lines:
        raise Undecodable(f"image_folder: {'; '.join(lines)}")


def first(names: Sequence[str]) -> str:
    """Return the first few names, separated by commas."""
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _image(path: str, size: int, channels: int) -> Image.Image | Fault:
    mode = "RGB" if channels == 3 else "L"
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path) as picture,
        ):  # warnings on damaged EXIF and on large pictures
            # Pillow converts 16-bit colours to 8 bits; only the decoder's arguments reveal it.
            if picture.mode.startswith(("I", "F")) or any(
                ";16" in str(tile[3]) for tile in getattr(picture, "tile", ())
            ):
                return Fault(path, None)
            picture.load()
            converted = _opaque(_upright(picture)).convert(mode)
    except DAMAGED as error:
        said = (getattr(error, "strerror", None) or str(error)).replace(repr(path), "")
        return Fault(path, printable(" ".join(said.split())) or type(error).__name__)
    return (
        converted
        if converted.size == (size, size)
        else ImageOps.fit(converted, (size, size), Image.Resampling.BILINEAR)
    )


def _upright(picture: Image.Image) -> Image.Image:
    """Return the picture upright, like `ImageOps.exif_transpose`, which fails if other EXIF fields are damaged."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except DAMAGED:  # the orientation cannot be read
        return picture
    try:
        turn = (
            None if orientation is None else TURNS.get(int(orientation))
        )  # fractions and floats are allowed, as in Pillow
    except (TypeError, ValueError, ArithmeticError):
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return the picture on white if it has an alpha channel or a transparent colour, else unchanged."""
    palette = picture.palette.mode if picture.palette is not None else ""
    if not (picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info or palette == "RGBA"):
        return picture
    above = picture.convert("LA") if picture.mode == "La" else picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, BACKGROUND), above.convert("RGBA"))
