"""Paths as people write them: `~` stands for a home folder, on the command line and in yaml files alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnlab.errors import BadInput
from bnlab.text import printable

OPTIONS = ("output_dir", "init_from", "plugins", "data.root")  # those that name files and folders

LONGEST_NAME = 255  # bytes that file systems take for one name
LONGEST_PATH = 3800  # of 4095 bytes, which leaves room for a study's and a run's folder and the files there


def expanded(path: str, option: str) -> str:
    """Return the path with `~` and `~user` replaced by the home folder.

    Args:
        option: what the path was given for, as messages name it.

    Raises:
        BadInput: it is empty or too long, there is no such user, or no home folder is known.
    """
    if not path.strip():
        raise BadInput(f"{option} is empty: name a path; . is the folder you are in")
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
    except RuntimeError:  # what pathlib raises for both
        user = path[1:].partition("/")[0]
        reason = "no home folder is known here: set HOME, or write the whole path"
        if user:
            reason = f"there is no user {printable(user)}; a folder of that very name is ./{printable(path)}"
        raise BadInput(f"{option}={printable(path)}: {reason}") from None


def all_expanded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's values with the paths in them expanded; what is shared with others is left alone.

    Raises:
        BadInput: a path cannot be used.
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
    return expanded(given, option) if isinstance(given, str) else given  # what is no text is refused with its type
