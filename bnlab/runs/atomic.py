"""Atomic replacement of files: a reader sees the old content or the new, never a part, also after a crash."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

_OURS = re.compile(r"\.(?P<name>.+)\.bnlab-[0-9a-f]{8}\.tmp")


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` (text as UTF-8), synced to disk, through a temporary file in the same folder.

    A link at `path` is itself replaced; its target is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.bnlab-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name itself must survive a power cut
    finally:
        os.close(folder)


def leftovers(folder: Path, is_ours: Callable[[str], object]) -> list[Path]:
    """Return the temporary files in a folder that a kill left or that a process is writing.

    Args:
        is_ours: returns whether bnlab writes a file of this name there.
    """
    found = ((path, _OURS.fullmatch(path.name)) for path in folder.glob(".*.tmp"))
    ours = [path for path, match in found if match is not None and is_ours(match["name"])]
    return [path for path in ours if path.is_file() and not path.is_symlink()]
