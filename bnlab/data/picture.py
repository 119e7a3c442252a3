"""One picture file as an array, by Pillow's own functions.

A picture is turned upright as its EXIF orientation says, laid on white where it is transparent, converted to colour or
grey, and scaled so that its shorter side is the wanted one, the longer cropped around the middle. Of an animation the
first frame is taken.
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

# What marks a file as a picture. Whether this Pillow can read it is another question: see `is_readable`.
SUFFIXES = (
    ".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".jpx", ".jxl", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
BACKGROUND = "white"
NAMED = 3  # pictures or folders of many that a message names
# What undoes each orientation of EXIF; 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What damaged files raise in Pillow, beside its own errors: it reads their fields unchecked here and there.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, AttributeError, ArithmeticError,
           struct.error, zlib.error, MemoryError, RuntimeError, Image.DecompressionBombError)  # fmt: skip


@cache
def is_readable(suffix: str) -> bool:
    """Return whether this Pillow, as it was built, reads files of that suffix."""
    kind = Image.registered_extensions().get(suffix)
    return kind is not None and kind in Image.OPEN


class Fault(NamedTuple):
    """A picture that cannot be used.

    Attributes:
        reason: why it cannot be read; None where it has more than 8 bits a channel.
    """

    path: str
    reason: str | None


class Images(NamedTuple):
    """Pictures as uint8 N×C×size×size; what stands in the place of those that cannot be used is undefined."""

    x: Array
    faults: list[Fault]


def images(paths: Sequence[str], size: int, channels: int) -> Images:
    """Return the pictures, and those of them that cannot be used."""
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
        Undecodable: some cannot; it says how many, and which are the first.
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
        lines.append(f"{deep[0]} has more than 8 bits a channel: convert it to an 8-bit picture")
    elif deep:
        have = f"{len(deep):,} of {total:,} pictures have more than 8 bits a channel"
        lines.append(f"{have}: convert them to 8-bit pictures: {first(deep)}")
    if lines:
        raise Undecodable(f"image_folder: {'; '.join(lines)}")


def first(names: Sequence[str]) -> str:
    """Return the first few names as one text."""
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _image(path: str, size: int, channels: int) -> Image.Image | Fault:
    mode = "RGB" if channels == 3 else "L"
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path) as picture,
        ):  # of damaged EXIF, of large pictures
            # Pillow reads colours of 16 bits as 8 bits, and shows it in the way the file is decoded alone.
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
    """Return what `ImageOps.exif_transpose` does, which fails where another of the EXIF fields is damaged."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except DAMAGED:  # nothing that can be read says how to turn it
        return picture
    try:
        turn = (
            None if orientation is None else TURNS.get(int(orientation))
        )  # a fraction or a float counts, as in Pillow
    except (TypeError, ValueError, ArithmeticError):
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return the picture on white where it has an alpha channel or a transparent colour, else itself."""
    palette = picture.palette.mode if picture.palette is not None else ""
    if not (picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info or palette == "RGBA"):
        return picture
    above = picture.convert("LA") if picture.mode == "La" else picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, BACKGROUND), above.convert("RGBA"))
