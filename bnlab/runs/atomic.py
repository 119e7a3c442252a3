"""Files that are replaced whole: a reader, or a start after a crash, sees the old content or the new, never a part."""

import os
import secrets
from pathlib import Path


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content` (text as UTF-8), synced to disk, by way of a temporary name in the same folder."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
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


def leftovers(folder: Path) -> list[Path]:
    """The temporary files that a kill left there; also those that a process is writing now."""
    return list(folder.glob(".*.tmp"))
