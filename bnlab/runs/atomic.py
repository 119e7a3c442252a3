"""Files that are replaced whole: a reader, or a start after a crash, sees the old content or the new, never a part."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

_OURS = re.compile(r"\.(?P<name>.+)\.bnlab-[0-9a-f]{8}\.tmp")


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` (text as UTF-8), synced to disk, by way of a temporary name in the same folder.

    A link at `path` is replaced itself; what it leads to stays as it is.
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
    """Return the temporary files that a kill left there, or that a process is writing now.

    Args:
        is_ours: whether bnlab writes a file of this name there.
    """
    found = ((path, _OURS.fullmatch(path.name)) for path in folder.glob(".*.tmp"))
    ours = [path for path, match in found if match is not None and is_ours(match["name"])]
    return [path for path in ours if path.is_file() and not path.is_symlink()]
