"""Cache of decoded data sets on disk, under $XDG_CACHE_HOME/bnlab (by default ~/.cache/bnlab).

An entry is an uncompressed .npz that contains its key; the checksums of the format reveal damage, and a damaged entry
is decoded again and replaced. Entries are written to a temporary file and renamed, so that concurrent runs never read a
partial one. The cache only saves time: without a folder, or if it cannot be written, everything works without it.

Entries take at most `MOST_BYTES` together: beyond that, the least recently used are removed. Only regular files with
the cache's own names are read, counted, replaced or removed; links, FIFOs and other files are left alone.
"""

import errno
import hashlib
import json
import logging
import os
import re
import stat
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np

from bnlab.data.base import Array, Arrays
from bnlab.memory import shown
from bnlab.text import printable

FORMAT = 2  # increase it when decoding changes the content of entries
MOST_BYTES = 10 << 30  # all entries together
ABANDONED = 86_400  # seconds after which a temporary file is assumed to be left by a killed process

_ENTRY = re.compile(r"[0-9a-f]{32}(\.npz)?")
_TEMPORARY = re.compile(r"[0-9a-f]{32}\.\w+\.tmp(\.npz)?")

T = TypeVar("T")

log = logging.getLogger(__name__)


def folder() -> Path | None:
    """Return the folder of the cache, which may not exist; None if no folder is known.

    A relative $XDG_CACHE_HOME is ignored, as the XDG specification requires. A user without a home folder (for example
    in a container) has no cache.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path("~/.cache").expanduser()
        except RuntimeError:  # neither HOME nor an entry in passwd
            return None
    return base / "bnlab" if base.is_absolute() else None


def decoded(key: Mapping[str, object], decode: Callable[[], Arrays[Array]]) -> Arrays[Array]:
    """Return the cached arrays of `key`, or call `decode` and cache its result.

    Args:
        key: everything that the decoded arrays depend on: the fingerprint of the content and the options of decoding.
    """
    return _decoded(key, decode, _as_members, _as_arrays)


def decoded_array(key: Mapping[str, object], decode: Callable[[], Array]) -> Array:
    """Return the single cached array of `key`, or call `decode` and cache its result."""
    return _decoded(key, decode, lambda x: {"x": x}, lambda members: members["x"])


def opened(path: Path) -> BinaryIO:
    """Open a file of the cache for reading, and mark it as used.

    Raises:
        OSError: it does not exist, cannot be read, or is not a regular file (links are not followed).
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with suppress(OSError):  # a read-only disk
        os.utime(handle)
    return os.fdopen(handle, "rb")


def keep(path: Path, write: Callable[[Path], None]) -> None:
    """Write a temporary file with `write` and rename it to `path`; log a warning if that fails."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EEXIST, f"{printable(path.name)} there is not a regular file")
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.", suffix=f".tmp{path.suffix}")
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        log.warning(
            "cannot cache decoded data in %s (%s): it is decoded again each time",
            printable(str(path.parent)),
            error.strerror,
        )
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def prune(place: Path, *, most_bytes: int) -> None:
    """Remove the least recently used entries of the folder `place` until the rest takes at most `most_bytes`.

    Also removes temporary files of killed processes. Other files, and files that cannot be removed, stay.
    """
    entries = []
    with suppress(OSError), os.scandir(place) as found:
        for file in found:
            if not file.is_file(follow_symlinks=False):
                continue
            facts = file.stat(follow_symlinks=False)
            if _ENTRY.fullmatch(file.name):
                entries.append((facts.st_mtime_ns, facts.st_size, file.path))
            elif _TEMPORARY.fullmatch(file.name) and time.time() - facts.st_mtime > ABANDONED:
                entries.append((0, facts.st_size, file.path))
    left = sum(size for _, size, _ in entries)
    for time_ns, size, path in sorted(entries):
        if time_ns > 0 and left <= most_bytes:
            break
        with suppress(OSError):  # removed by another process, or not permitted
            os.unlink(path)  # noqa: PTH108 - scandir gives strings
        left -= size


def _decoded(
    key: Mapping[str, object],
    decode: Callable[[], T],
    to_members: Callable[[T], dict[str, Array]],
    of_members: Callable[[dict[str, Array]], T],
) -> T:
    text = json.dumps({**key, "format": FORMAT}, sort_keys=True)
    base = folder()
    if base is None:
        return decode()
    path = base / "arrays" / f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}.npz"
    try:
        with opened(path) as file:
            return of_members(_read(file, text))
    except FileNotFoundError:
        pass  # not cached yet
    except OSError as error:
        log.warning("cached data %s cannot be used (%s): decoding again", printable(str(path)), error.strerror or error)
    except Exception as error:  # damaged bytes raise a dozen types of error
        log.warning("cached data %s is damaged (%s): decoding again", printable(str(path)), printable(str(error)))
    found = decode()
    _keep(path, {"key": np.array(text), **to_members(found)})
    return found


def _read(file: BinaryIO, key: str) -> dict[str, Array]:
    with zipfile.ZipFile(file) as archive:  # only uncompressed entries: a small file must not expand to a large array
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("it is compressed")
    file.seek(0)
    with np.load(file, allow_pickle=False) as entry:
        members = {name: entry[name] for name in entry.files}
    if str(members.pop("key")) != key:
        raise ValueError("it is the entry of other data")
    return members


def _keep(path: Path, members: dict[str, Array]) -> None:
    size = sum(member.nbytes for member in members.values())
    if size > MOST_BYTES:
        log.warning("decoded data of %s exceeds the cache's limit (%s): not cached", shown(size), shown(MOST_BYTES))
        return
    keep(path, lambda temporary: np.savez(temporary, allow_pickle=False, **members))
    prune(path.parent, most_bytes=MOST_BYTES)


def _as_members(arrays: Arrays[Array]) -> dict[str, Array]:
    meta = {
        "task": arrays.task,
        "classes": arrays.classes,
        "outputs": arrays.outputs,
        "class_names": list(arrays.class_names),
    }
    members = {"train_x": arrays.train_x, "train_y": arrays.train_y, "test_x": arrays.test_x, "test_y": arrays.test_y}
    if arrays.val_x is not None and arrays.val_y is not None:
        members |= {"val_x": arrays.val_x, "val_y": arrays.val_y}
    return {"meta": np.array(json.dumps(meta)), **members}


def _as_arrays(members: dict[str, Array]) -> Arrays[Array]:
    meta = json.loads(str(members.pop("meta")))
    options: dict[str, Any] = {**members, **meta, "class_names": tuple(meta["class_names"])}
    return Arrays(**options)
