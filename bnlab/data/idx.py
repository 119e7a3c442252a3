"""Reader of the IDX files of the MNIST family, uncompressed or compressed by gzip, with checks.

Format (Y. LeCun): two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a
big-endian 32-bit number, then the values.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bnlab.data.base import Array
from bnlab.data.paths import unreadable
from bnlab.errors import BadInput
from bnlab.memory import shown
from bnlab.text import printable

UNSIGNED_BYTE = 8
BLOCK = 1 << 20  # bytes read at a time
MOST_UNPACKED = 1 << 30  # bytes of a compressed file: a few kilobytes can expand to terabytes
AGAIN = "put the original file there, or delete it and set data.download=true"


def check(path: Path, dimensions: int) -> tuple[int, ...]:
    """Return the dimensions in the file's header.

    Raises:
        BadInput: the file is not an IDX file of that many dimensions, an example has no pixels, or the length of the
            file differs from its header (for a compressed file, only `blocks` and `values` check the length).
    """
    length = 4 + 4 * dimensions
    with _Reader(path) as file:
        head = file.read(length)
    size = None if _is_packed(path) else path.stat().st_size
    name = printable(str(path))
    if len(head) >= 4 and head[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise BadInput(f"{name} is not an IDX file of {dimensions} dimensions (it begins with {head[:12]!r}): {AGAIN}")
    if len(head) < length:
        raise BadInput(f"{name} is truncated ({len(head)} bytes): {AGAIN}")
    shape = struct.unpack(f">{dimensions}I", head[4:])
    promised = length + prod(shape)
    if 0 in shape[1:]:
        raise BadInput(f"{name} has pictures of {'×'.join(map(str, shape[1:]))} pixels, which are empty: {AGAIN}")
    if size is not None and size != promised:
        raise BadInput(f"{name} has {size} bytes, but its header says {promised}: {AGAIN}")
    if size is None and promised > MOST_UNPACKED:
        raise BadInput(
            f"{name} has {shown(promised)} by its header, above the limit ({shown(MOST_UNPACKED)}): if that is right,"
            " unpack it with gunzip"
        )
    return shape


def blocks(path: Path, dimensions: int) -> tuple[int, Iterator[bytes]]:
    """Return the decompressed length of the file in bytes, and its bytes block by block.

    Raises:
        BadInput: as `check`; from the iterator, if a compressed file is shorter or longer than its header says.
    """
    promised = 4 + 4 * dimensions + prod(check(path, dimensions))
    return promised, _blocks(path, promised)


def values(path: Path, dimensions: int) -> Array:
    """Return the values as uint8, in the shape of the header.

    Raises:
        BadInput: as `check`, or the file is shorter or longer than its header says.
    """
    shape = check(path, dimensions)
    whole = np.empty(4 + 4 * dimensions + prod(shape), np.uint8)
    done = 0
    for block in _blocks(path, len(whole)):
        whole[done : done + len(block)] = np.frombuffer(block, np.uint8)
        done += len(block)
    return whole[4 + 4 * dimensions :].reshape(shape)


def _blocks(path: Path, promised: int) -> Iterator[bytes]:
    done = 0
    with _Reader(path) as file:
        while done < promised and (block := file.read(min(BLOCK, promised - done))):
            done += len(block)
            yield block
        more = bool(file.read(1))  # at the end of the stream gzip verifies its checksum
    if done < promised or more:
        has = f"more than {done}" if more else done
        raise BadInput(f"{printable(str(path))} has {has} bytes, but its header says {promised}: {AGAIN}")


def _is_packed(path: Path) -> bool:
    return path.suffix == ".gz"


class _Reader:
    """Reader of a file, decompressed if needed, that turns errors into `BadInput`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_Reader":
        try:
            self._file: BinaryIO | gzip.GzipFile = (
                gzip.open(self._path) if _is_packed(self._path) else self._path.open("rb")
            )
        except OSError as error:
            raise unreadable(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            reason = " ".join(str(error).split())
            raise BadInput(f"{printable(str(self._path))} is not a valid gzip file ({reason}): {AGAIN}") from error
        except OSError as error:
            raise unreadable(self._path, error) from error
