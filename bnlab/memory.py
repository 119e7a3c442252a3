"""Memory of this machine, checked before large allocations."""

import os
from contextlib import suppress
from pathlib import Path

from bnlab.errors import BadInput

# Memory limits of a container on Linux: control groups of version 2 and of version 1.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def total() -> int:
    """Return the bytes of this machine's memory, or the limit of the container if that is lower."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # no such control group, or "max"
            found.append(int(limit.read_text(encoding="ascii")))
    return min(found)


def require(size: int, what: str, remedy: str, there: int | None = None) -> None:
    """Raise `BadInput` if `size` bytes exceed the memory.

    Args:
        what: what needs the memory; the message begins with it.
        remedy: what to do instead.
        there: the bytes of the memory, if it is not this machine's main memory.
    """
    where = "this machine" if there is None else "the device"
    there = total() if there is None else there
    if size > there:
        raise BadInput(f"{what} would take {shown(size)} of memory, but {where} has {shown(there)}: {remedy}")


def shown(size: int) -> str:
    """Return a number of bytes in readable form: 999 bytes, 23.5 GB, 8,000,000 PB."""
    if size < 1000:
        return f"{size} bytes"
    unit, name = next(((1000**k, name) for k, name in enumerate(("kB", "MB", "GB", "TB"), 1) if size < 1000 ** (k + 1)),
                      (1000**5, "PB"))  # fmt: skip
    tenths = size * 10 // unit  # in integers: a float cannot represent every size
    return f"{tenths // 10:,}.{tenths % 10} {name}" if tenths < 1000 else f"{tenths // 10:,} {name}"
