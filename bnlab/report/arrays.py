"""Images of a run, arrays/<diagnostic>_<step>.npz, read safely: a bad file costs no more than a valid one.

An archive may expand from a kilobyte to a gigabyte of zeros, or contain objects that execute code when unpickled. Only
arrays of numbers are read, and each size is checked before memory is allocated.
"""

import io
import math
import os
import re
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from bnlab.report.stats.estimate import LARGEST
from bnlab.runs.files import Unreadable, read_bytes
from bnlab.text import printable

LARGEST_FILE = 64 << 20  # bytes of an archive, and of its unpacked contents
LONGEST = 1024  # pixels per side
_MEMBERS = 4096
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Errors of zipfile, zlib and NumPy's header reader for bytes that are not an archive of arrays.
_ODD = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, RecursionError, NotImplementedError,
    EOFError, ValueError, TypeError, KeyError, OverflowError,
)  # fmt: skip

Images = np.ndarray[Any, np.dtype[np.float64]]


def looks(folder: Path, diagnostic: str) -> tuple[dict[int, Path], dict[Path, str]]:
    """Return the archives of a diagnostic in a run's folder by step, and those without a step in their names.

    Raises:
        Unreadable: the folder `arrays` cannot be read.
    """
    place = folder / "arrays"
    try:
        names = sorted(entry.name for entry in os.scandir(place))
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except OSError as error:
        raise Unreadable(f"{printable(str(place))} cannot be read ({error.strerror})") from None
    found, odd = {}, {}
    for name in names:
        if name.startswith(f"{diagnostic}_") and name.endswith(".npz"):
            step = re.fullmatch(r"[0-9]{1,15}", name[len(diagnostic) + 1 : -len(".npz")])
            if step is None:
                odd[place / name] = f"{printable(str(place / name))} is left out (its name has no step)"
            else:
                found[int(step[0])] = place / name
    return found, odd


def images(path: Path) -> dict[str, Images]:
    """Return the arrays (example, channel, H, W) of an archive by name; values too large to draw become nan.

    Raises:
        Unreadable: the file is missing, too large or not an archive of such arrays.
    """
    name = printable(str(path))
    try:
        content = read_bytes(path, LARGEST_FILE)
    except FileNotFoundError:
        raise Unreadable(f"{name} is missing") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > _MEMBERS or sum(one.file_size for one in members) > LARGEST_FILE:
                raise ValueError(f"more than {LARGEST_FILE:,} bytes unpacked, or more than {_MEMBERS:,} arrays")
            return {_site(one): _array(archive, one) for one in members}
    except _ODD as error:
        reason = printable(" ".join(str(error).split()))[:120] or type(error).__name__
        raise Unreadable(f"{name} cannot be read ({reason})") from None


def _site(member: zipfile.ZipInfo) -> str:
    site, _, side = member.filename.removesuffix(".npy").rpartition(".")
    if not site or side not in ("before", "after") or not member.filename.endswith(".npy"):
        raise ValueError(f"{member.filename[:60]} is not site.before.npy or site.after.npy")
    return printable(f"{site}.{side}")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Images:
    if member.compress_type not in _METHODS or member.flag_bits & 1:
        raise ValueError("it is encrypted, or compressed by a method that NumPy does not use")
    content = io.BytesIO(archive.read(member))
    version = np.lib.format.read_magic(content)
    if version != (1, 0):
        raise ValueError(f"an array has version {version} of NumPy's format, not (1, 0)")
    shape, by_column, kind = np.lib.format.read_array_header_1_0(content)
    if kind.kind not in "fiub" or kind.itemsize > 8:
        raise ValueError(f"an array contains {kind}, not numbers")
    if len(shape) != 4 or max(shape[2:]) > LONGEST or min(shape) < 0:
        raise ValueError(f"an array has the shape {shape}, not (example, channel, H ≤ {LONGEST}, W ≤ {LONGEST})")
    data = content.read()
    if len(data) != math.prod(shape) * kind.itemsize:
        raise ValueError("the length of an array does not match its shape")
    values = np.frombuffer(data, kind).reshape(shape, order="F" if by_column else "C").astype(np.float64)
    return np.where(np.abs(values) <= LARGEST, values, np.nan)
