"""One picture file as an array, by Pillow's own functions.

A picture is turned upright as its EXIF orientation says, laid on white where it is transparent, converted to colour or
grey, and scaled so that its shorter side is the wanted one, the longer cropped around the middle. Of an animation the
first frame is taken.
"""

import struct
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import ExifTags, Image, ImageOps

from bnlab.data.base import Array
from bnlab.errors import BadInput
from bnlab.text import printable

# What marks a file as a picture. Whether this Pillow can read it is another question: see `is_readable`.
SUFFIXES = (
    ".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".jpx", ".jxl", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
BACKGROUND = "white"
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


def images(paths: Sequence[str], size: int, channels: int) -> Array:
    """Return the pictures as uint8 N×C×size×size.

    Raises:
        BadInput: one cannot be read, or has more than 8 bits a channel.
    """
    x_NCHW = np.empty((len(paths), channels, size, size), np.uint8)
    for n, path in enumerate(paths):
        x_HWC = np.asarray(_image(path, size, channels)).reshape(size, size, channels)
        x_NCHW[n] = x_HWC.transpose(2, 0, 1)
    return x_NCHW


def _image(path: str, size: int, channels: int) -> Image.Image:
    mode = "RGB" if channels == 3 else "L"
    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise BadInput(
                    f"image_folder: {printable(path)} has more than 8 bits a channel: convert it to an 8-bit picture"
                )
            picture.load()
            converted = _opaque(_upright(picture)).convert(mode)
    except DAMAGED as error:
        reason = printable(" ".join(str(error).split())) or type(error).__name__
        raise BadInput(
            f"image_folder: cannot read {printable(path)} ({reason}): replace or remove that file"
        ) from error
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
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return the picture on white where it has an alpha channel or a transparent colour, else itself."""
    palette = picture.palette.mode if picture.palette is not None else ""
    if not (picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info or palette == "RGBA"):
        return picture
    above = picture.convert("LA") if picture.mode == "La" else picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, BACKGROUND), above.convert("RGBA"))
