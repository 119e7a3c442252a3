"""The IDX files of the MNIST family, checked before they are decoded.

Format (Y. LeCun): two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a
big-endian 32-bit number, then the values.
"""

import struct
from math import prod
from pathlib import Path

from bnlab.errors import BadInput

UNSIGNED_BYTE = 8


def check(path: Path, dimensions: int) -> tuple[int, ...]:
    """The dimensions that the file's header gives.

    Raises:
        BadInput: the file is no IDX file of that many dimensions, or its length is not what its header says.
    """
    again = "put the original file there, or delete it and set data.download=true"
    length = 4 + 4 * dimensions
    try:
        with path.open("rb") as file:
            head = file.read(length)
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"cannot read {path} ({error.strerror}): check data.root and its permissions") from error
    if len(head) < length:
        raise BadInput(f"{path} is truncated ({size} bytes): {again}")
    if head[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise BadInput(f"{path} is no IDX file of {dimensions} dimensions (it begins with {head[:12]!r}): {again}")
    shape = struct.unpack(f">{dimensions}I", head[4:])
    if size != length + prod(shape):
        raise BadInput(f"{path} has {size} bytes where its header promises {length + prod(shape)}: {again}")
    return shape
