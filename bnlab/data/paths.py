"""Paths of data as users give them, and what to say where one cannot be read."""

import os
import stat
from pathlib import Path
from typing import Literal

from bnlab.errors import BadInput
from bnlab.text import printable


def expanded(root: str) -> Path:
    """Return `data.root` as a path, with `~` and `~user` replaced by home folders.

    Raises:
        BadInput: it is empty, there is no such user, or this user has no home folder.
    """
    if not root:
        raise BadInput("data.root is empty: give the folder that holds the data")
    try:
        return Path(root).expanduser()
    except RuntimeError:
        name = Path(root).parts[0][1:]
        reason = f"there is no user {printable(name)}" if name else "no home folder is known (HOME is not set)"
        raise BadInput(f"data.root={printable(root)}: {reason} on this machine: write the path in full") from None


def unreadable(path: str | Path, error: OSError) -> BadInput:
    """Return the one line for a file or folder that the system does not let us read."""
    return BadInput(
        f"cannot read {printable(str(path))} ({error.strerror or error}): check data.root and its permissions"
    )


def kind(path: str | Path) -> Literal["folder", "file", "other"] | None:
    """Return what is at the path (links are followed); None where there is nothing.

    Raises:
        BadInput: this cannot be found out, for example because a folder above may not be entered.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - takes strings, of which there are many
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # a NUL, or a surrogate that stands for no byte: no file has such a name
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
