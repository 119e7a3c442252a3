"""Users' paths of data, and the error for paths that cannot be read."""

import os
import stat
from pathlib import Path
from typing import Literal

from bnlab.errors import BadInput
from bnlab.text import printable


def expanded(root: str) -> Path:
    """Return `data.root` as a path, with `~` and `~user` replaced by home folders.

    Raises:
        BadInput: it is empty, the user does not exist, or this user has no home folder.
    """
    if not root:
        raise BadInput("data.root is empty: give the folder that contains the data")
    try:
        return Path(root).expanduser()
    except RuntimeError:
        name = Path(root).parts[0][1:]
        reason = f"there is no user {printable(name)}" if name else "no home folder is known (HOME is not set)"
        raise BadInput(f"data.root={printable(root)}: {reason} on this machine: write the path in full") from None


def unreadable(path: str | Path, error: OSError) -> BadInput:
    """Return the error for a file or folder that cannot be read."""
    return BadInput(
        f"cannot read {printable(str(path))} ({error.strerror or error}): check data.root and its permissions"
    )


def kind(path: str | Path) -> Literal["folder", "file", "other"] | None:
    """Return what is at the path (links are followed); None if nothing.

    Raises:
        BadInput: the path cannot be accessed, for example because of a parent's permissions.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - takes strings, of which there are many
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # a NUL, or a surrogate that does not denote a byte: no file has such a name
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
