"""Access to the files of a study: bnlab reads only regular files of limited size, and writes only its own.

A study may be on a disk that others write to, be copied while it trains, or be damaged. A FIFO, a device or a link to
one would block a reader or fill its memory; a link in place of a file of bnlab would lead a writer to another file.
"""

import codecs
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from bnlab.errors import BadInput
from bnlab.runs.atomic import write_atomic
from bnlab.text import printable

TEXT = 64 << 20  # bytes: the largest JSON or YAML file that is read
TABLE = 1 << 30  # the largest table
ARCHIVE = 1 << 40  # the largest checkpoint

_BLOCK = 1 << 20


class Unreadable(BadInput):
    """Error for a file of a run or of a study that cannot be used.

    Attributes:
        blank: whether the file is missing or cannot be parsed at all, so that rewriting it loses nothing.
    """

    def __init__(self, message: str, *, blank: bool = False) -> None:
        super().__init__(message)
        self.blank = blank


class Foreign(BadInput):
    """Error for a path that bnlab must not write: something else is there, or writing is not permitted."""


def _opened(path: Path, most: int) -> tuple[int, int]:
    """Return a descriptor of a regular file of at most `most` bytes, and its size. Raises like `reading`."""
    try:
        # Without O_NONBLOCK, opening a FIFO waits for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise Unreadable(f"{_shown(path)} cannot be read (a link to a file that does not exist)") from None
        raise FileNotFoundError(*error.args) from None
    except OSError as error:
        raise Unreadable(f"{_shown(path)} cannot be read ({error.strerror})") from None
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_size <= most:
        return handle, found.st_size
    os.close(handle)
    if stat.S_ISREG(found.st_mode):
        raise _too_large(path, found.st_size, most)
    raise Unreadable(f"{_shown(path)} cannot be read (it is {_kind(found.st_mode)}, not a file)")


@contextmanager
def reading(path: Path, most: int = TEXT) -> Iterator[BinaryIO]:
    """Open a regular file of at most `most` bytes.

    Raises:
        FileNotFoundError: it does not exist.
        Unreadable: it is something else, too large, or not readable.
    """
    handle, _ = _opened(path, most)
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise Unreadable(f"{_shown(path)} cannot be read ({error.strerror})") from None


def read_bytes(path: Path, most: int = TEXT) -> bytes:
    """Return the content of a regular file. Raises like `reading`."""
    handle, size = _opened(path, most)
    try:
        content = os.read(handle, size + 1)  # nearly always the whole file: a study has thousands of small ones
        while more := os.read(handle, _BLOCK):
            content += more
            if len(content) > most:  # it grew meanwhile, or the file system reports no sizes
                raise _too_large(path, len(content), most)
    except OSError as error:
        raise Unreadable(f"{_shown(path)} cannot be read ({error.strerror})") from None
    finally:
        os.close(handle)
    return content


def _too_large(path: Path, size: int, most: int) -> Unreadable:
    return Unreadable(f"{_shown(path)} cannot be read ({size:,} bytes, more than {most:,})")


def checksum(content: bytes = b"") -> blake2b:
    """Return the hash of a file's content that run.json and checkpoints store; it can be updated further."""
    return blake2b(content, digest_size=16)


def read_text(path: Path, most: int = TEXT) -> str:
    """Return the content of a regular file of UTF-8 text.

    Raises:
        FileNotFoundError: it does not exist.
        Unreadable: it is something else, too large, not readable, or not UTF-8.
    """
    content = read_bytes(path, most)
    try:
        return content.decode("utf-8-sig")  # some editors add a byte order mark
    except UnicodeDecodeError as error:
        is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # some editors save this
        what = "UTF-16 text: save it as UTF-8" if is_utf16 else f"{error.reason}: no UTF-8 text"
        raise Unreadable(f"{_shown(path)} cannot be read ({what})", blank=not is_utf16) from None


def parse_json(text: str) -> Any:
    """Return the value of JSON; raise ValueError for other text, RecursionError if it is nested too deeply."""
    return _JSON.decode(text)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        FileNotFoundError: it does not exist.
        Unreadable: it cannot be read, or is not JSON.
    """
    content = read_text(path)
    try:
        return parse_json(content)
    except RecursionError:
        raise Unreadable(f"{_shown(path)} cannot be read (its JSON is nested too deeply)") from None
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise Unreadable(f"{_shown(path)} cannot be read ({reason})", blank=True) from None


def open_own(path: Path) -> BinaryIO:
    """Open a file of bnlab for reading and appending; create it if necessary.

    A file with several names (hard links, as snapshots make them) is first replaced by a copy, so that the others keep
    their content.

    Raises:
        Foreign: a link, a folder or something else is in its place.
        OSError: it cannot be written.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o666)
    except OSError:
        check_own(path)
        raise
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return os.fdopen(handle, "a+b")
    os.close(handle)
    check_own(path)
    write_atomic(path, read_bytes(path, TABLE))
    return open_own(path)


def check_own(path: Path, *, folder: bool = False) -> None:
    """Raise `Foreign` if a path of bnlab exists and is not a regular file or, with `folder`, not a folder."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:  # a parent folder is not accessible
        raise Foreign(f"{_shown(path)} cannot be written ({error.strerror}): set its permissions") from None
    if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        raise Foreign(f"{_shown(path)} cannot be written ({_kind(mode)} that bnlab did not create): move it away")


def make_folder(path: Path) -> None:
    """Create a folder of bnlab in an existing one.

    Raises:
        Foreign: a link or a file is in its place.
    """
    check_own(path, folder=True)
    path.mkdir(exist_ok=True)


def is_there(path: Path) -> bool:
    """Return whether something is at a path.

    Raises:
        Unreadable: a parent folder is not accessible, so that this is unknown.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise Unreadable(f"{_shown(path)} cannot be read ({error.strerror})") from None
    return True


def is_regular(path: Path) -> bool:
    """Return whether a path is a regular file or a link to one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse)


def _kind(mode: int) -> str:
    kinds = {
        stat.S_ISDIR: "a folder",
        stat.S_ISLNK: "a link",
        stat.S_ISFIFO: "a FIFO",
        stat.S_ISSOCK: "a socket",
        stat.S_ISREG: "a file",
    }
    return next((name for is_kind, name in kinds.items() if is_kind(mode)), "a device")


def _shown(path: Path) -> str:
    return printable(str(path))
