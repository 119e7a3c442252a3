"""Paths of configs: expand `~` to a home folder, on the command line and in yaml files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnlab.errors import BadInput
from bnlab.text import printable

OPTIONS = ("output_dir", "init_from", "plugins", "data.root")  # options that name files and folders

LONGEST_NAME = 255  # bytes; limit of file systems for one name
LONGEST_PATH = 3800  # bytes; the system's limit is 4095, the rest is for the folders of study and run and their files


def expanded(path: str, option: str) -> str:
    """Return the path with `~` and `~user` replaced by the home folder.

    Args:
        option: the option that the path is for, named in messages.

    Raises:
        BadInput: the path is empty or too long, the user does not exist, or no home folder is known.
    """
    if not path.strip():
        raise BadInput(f"{option} is empty: name a path; . is the current folder")
    bytes_ = path.encode(errors="surrogatepass")
    if len(bytes_) > LONGEST_PATH or max(map(len, bytes_.split(b"/"))) > LONGEST_NAME:
        raise BadInput(
            f"{option}={printable(path[:40])}… is too long: a path has at most {LONGEST_PATH} bytes, a name in it "
            f"at most {LONGEST_NAME}"
        )
    if not path.startswith("~"):
        return path
    try:
        return str(Path(path).expanduser())
    except RuntimeError:  # raised by pathlib for both cases
        user = path[1:].partition("/")[0]
        reason = "no home folder is known here: set HOME, or write the full path"
        if user:
            reason = f"there is no user {printable(user)}; for a folder of that name write ./{printable(path)}"
        raise BadInput(f"{option}={printable(path)}: {reason}") from None


def all_expanded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's values with expanded paths; the given mapping and its parts are not modified.

    Raises:
        BadInput: a path is invalid.
    """
    found = dict(values)
    for option in OPTIONS:
        group, _, key = option.rpartition(".")
        inner = found.get(group) if group else found
        given = inner.get(key) if isinstance(inner, dict) else None
        new = [_expanded(one, option) for one in given] if isinstance(given, list) else _expanded(given, option)
        if new != given:
            assert isinstance(inner, dict)
            if group:
                found[group] = inner = dict(inner)
            inner[key] = new
    return found


def _expanded(given: Any, option: str) -> Any:
    return expanded(given, option) if isinstance(given, str) else given  # validation rejects other types
