"""The memory of this machine, asked before anything is allocated."""

import os
from contextlib import suppress
from pathlib import Path

from bnlab.errors import BadInput

# Where Linux says what a container may use: control groups of version 2 and of version 1.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def total() -> int:
    """Return the bytes of memory that this machine has, or that the container allows where that is less."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # no such control group, or "max"
            found.append(int(limit.read_text(encoding="ascii")))
    return min(found)


def require(size: int, what: str, remedy: str, there: int | None = None) -> None:
    """Raise `BadInput` where `size` bytes are more than the memory there is.

    Args:
        what: what takes them; the message begins with it.
        remedy: what to do instead.
        there: the bytes of memory there are, where it is not this machine's main memory.
    """
    where = "this machine" if there is None else "the device"
    there = total() if there is None else there
    if size > there:
        raise BadInput(f"{what} would take {shown(size)} of memory, but {where} has {shown(there)}: {remedy}")


def shown(size: int) -> str:
    """Return a number of bytes for people: 999 bytes, 23.5 GB, 8,000,000 PB."""
    if size < 1000:
        return f"{size} bytes"
    unit, name = next(((1000**k, name) for k, name in enumerate(("kB", "MB", "GB", "TB"), 1) if size < 1000 ** (k + 1)),
                      (1000**5, "PB"))  # fmt: skip
    tenths = size * 10 // unit  # in whole numbers: a float has no room for every size that can be asked for
    return f"{tenths // 10:,}.{tenths % 10} {name}" if tenths < 1000 else f"{tenths // 10:,} {name}"
