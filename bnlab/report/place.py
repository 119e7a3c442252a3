"""The folder of a report: which one, and that nothing in it is replaced or removed but what a report has made.

report.json in it says whose report it is. Its paths are relative to the folder, so that a study that is copied or moved
takes its report along.
"""

import errno
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bnlab.errors import BadInput
from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Foreign, Unreadable, check_own, is_regular, make_folder, read_bytes, read_json
from bnlab.runs.packing import NAME as PACKS
from bnlab.text import printable

NAME = "report.json"
PAGE = "index.html"
_LONGEST = 100  # bytes of the studies' names in a folder's name; 255 is what file systems take
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # another folder on the same disk would not help
_MOST = 1000  # folders of comparisons whose names are alike


class _Content(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    studies: Annotated[list[str], Field(min_length=1)]


class Place:
    """A report's folder, settled by `settle`: writes its files and removes those that are no longer made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rooms: set[Path] = set()

    def write(self, name: str, content: str | bytes) -> Path:
        """Replace a file of the report.

        Args:
            name: relative to the report's folder; at most one folder deep.

        Raises:
            BadInput: it cannot be written, or something else stands in its place.
        """
        path = self.folder / name
        try:
            if path.parent != self.folder and path.parent not in self._rooms:
                make_folder(path.parent)
                self._rooms.add(path.parent)
            if path.is_dir() and not path.is_symlink():
                raise Foreign(
                    f"{printable(str(path))} cannot be written (a folder that bnlab has not made): move it away"
                )
            write_atomic(path, content)
        except OSError as error:
            _refuse(error, path)
        return path

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that an earlier report has made and this one has not, which would pass for its own."""
        for name in names:
            path = self.folder / name
            if path.parent.is_symlink() or not (path.is_symlink() or is_regular(path)):
                continue
            try:
                path.unlink()
            except OSError as error:
                _refuse(error, path)


def settle(studies: Sequence[Path], out: Path | None, names: Sequence[str]) -> Place:
    """Return the folder for a report of these studies, made if need be and marked as theirs.

    Args:
        studies: their folders, each once.
        out: the folder that was asked for; by default `report` in the folder of a single study, else a folder beside
            the first, under a name that no report of others has.
        names: of all files that a report may have, relative to its folder.

    Raises:
        BadInput: the folder cannot be written, or holds something else: a run, another report, a file of a report's.
    """
    if out is not None:
        folder = out
        _check(folder, studies, names)
    elif len(studies) == 1:
        folder = studies[0] / "report"
        # An older bnlab wrote no report.json; its page says that it is one.
        if folder.is_dir():
            _check(folder, studies, () if _is_page(folder / PAGE) else names)
    else:
        folder = _free(studies)
    try:
        if out is None:
            make_folder(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _refuse(error, folder)
    except RecursionError:
        raise BadInput("--out lies too many folders deep: name another") from None
    place = Place(folder)
    place.write(NAME, json.dumps({"studies": _relative(studies, folder)}, indent=1) + "\n")
    return place


def _check(folder: Path, studies: Sequence[Path], names: Sequence[str]) -> None:
    """Raise BadInput where a report of these studies may not go to a folder."""
    shown = printable(str(folder))
    if is_regular(folder):
        raise BadInput(f"a report cannot go to {shown}, which is a file: --out DIR")
    for above in (folder, *folder.parents[:1]):
        if os.path.lexists(above / "run.json"):
            raise BadInput(
                f"a report cannot go to {shown}, which is {'' if above == folder else 'in '}a run: --out DIR"
            )
    if os.path.lexists(folder / PACKS):
        raise BadInput(f"a report cannot go to {shown}, which is a study: --out DIR")
    try:
        found = _owners(folder)
    except Unreadable as error:
        raise BadInput(f"a report cannot go to {shown}: {error}: --out DIR") from None
    if found is None:
        if taken := next((name for name in names if os.path.lexists(folder / name)), None):
            raise BadInput(f"a report cannot go to {shown}, whose {taken} is not known to be a report's: --out DIR")
    elif sorted(found) != sorted(_relative(studies, folder)):
        listed = printable(", ".join(os.path.normpath(folder / name) for name in found))
        raise BadInput(f"{shown} holds the report of {listed}: give another folder (--out DIR), or remove it")
    for room in {Path(name).parent for name in names} - {Path()}:
        try:
            check_own(folder / room, folder=True)
        except OSError as error:  # a name that is too long, say
            _refuse(error, folder)


def _is_page(path: Path) -> bool:
    """Return whether a file is the page of a report."""
    try:
        return b"bnlab</title>" in read_bytes(path)
    except (FileNotFoundError, Unreadable):
        return False


def _free(studies: Sequence[Path]) -> Path:
    """Return a folder for a comparison beside the first study: one that holds it already, or a new one."""
    beside = studies[0].resolve().parent
    joined = "_".join(study.resolve().name for study in studies)
    name = f"report_{os.fsencode(joined)[:_LONGEST].decode(errors='ignore')}"
    for number in range(1, _MOST):
        folder = beside / (name if number == 1 else f"{name}_{number}")
        try:
            if not os.path.lexists(folder) or _owners(folder) == _relative(studies, folder):
                return folder
        except Unreadable:
            continue
    raise BadInput(f"{printable(str(beside))} holds {_MOST} folders named like {printable(name)}: --out DIR")


def _owners(folder: Path) -> list[str] | None:
    """Return the studies that a folder holds the report of; null where it holds none.

    Raises:
        Unreadable: its report.json is damaged, or not ours.
    """
    path = folder / NAME
    try:
        return _Content.model_validate(read_json(path)).studies
    except FileNotFoundError:
        return None
    except ValidationError:
        raise Unreadable(f"{printable(str(path))} is not of a report") from None


def _relative(studies: Sequence[Path], folder: Path) -> list[str]:
    here = folder.resolve()
    return [os.fsencode(os.path.relpath(study.resolve(), here)).decode(errors="backslashreplace") for study in studies]


def _refuse(error: OSError, path: Path) -> NoReturn:
    if error.errno in _FULL:
        raise error
    raise BadInput(f"{printable(str(path))} cannot be written ({error.strerror}): --out DIR") from None
