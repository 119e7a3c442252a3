"""The fingerprint of a set of files: what they hold and how they are named below their root, not where the root is."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from bnlab.data.cache import folder, keep
from bnlab.errors import BadInput

DIGEST = 16  # bytes


def of_files(root: Path, names: Sequence[str]) -> str:
    """blake2b over (name, size, content) of each file `root/name`, in the order of their names.

    Reading 60,000 images takes seconds, so the result is remembered under a digest of where the files are and of their
    sizes and times. That memory alone knows absolute paths: sizes and times of unlike data sets can agree.

    Raises:
        BadInput: a file cannot be read.
    """
    names = sorted(names)
    try:
        memory = folder() / "fingerprints" / _state(root, names)
        known = _remembered(memory)
        if known is not None:
            return known
        found = _content(root, names)
    except OSError as error:
        raise BadInput(
            f"cannot read {error.filename} ({error.strerror}): check data.root and its permissions"
        ) from error
    keep(memory, lambda temporary: _write(temporary, found))
    return found


def _state(root: Path, names: Sequence[str]) -> str:
    state = hashlib.blake2b(f"{root.resolve()}\n".encode(), digest_size=DIGEST)
    for name in names:
        facts = os.stat(f"{root}/{name}")  # noqa: PTH116 - half the time of `Path.stat` for 60,000 files
        state.update(f"{len(name)} {name} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}\n".encode())
    return state.hexdigest()


def _content(root: Path, names: Sequence[str]) -> str:
    content = hashlib.blake2b(digest_size=DIGEST)
    for name in names:
        data = (root / name).read_bytes()
        content.update(f"{len(name)} {name} {len(data)}\n".encode())
        content.update(data)
    return content.hexdigest()


def _remembered(memory: Path) -> str | None:
    try:
        text = memory.read_bytes()
    except OSError:
        return None  # not remembered, or no cache to remember in: read the files
    is_digest = len(text) == 2 * DIGEST and all(byte in b"0123456789abcdef" for byte in text)
    return text.decode() if is_digest else None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")
