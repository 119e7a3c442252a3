"""The folder of a report: how it is chosen, and how it is written without replacing files of others.

report.json in it names the studies of the report. Its paths are relative to the folder, so that a study can be copied
or moved together with its report.
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
from bnlab.runs.index import NAME as INDEX
from bnlab.runs.packing import NAME as PACKS
from bnlab.text import printable

NAME = "report.json"
PAGE = "index.html"
_LONGEST = 100  # bytes of the studies' names in a folder's name; file systems allow 255
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # another folder on the same disk would not help
_MOST = 1000  # folders of comparisons whose names differ only in a number


class _Content(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    studies: Annotated[list[str], Field(min_length=1)]


class OutputFolder:
    """A report's folder, chosen by `choose_folder`: writes the report's files and removes outdated ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rooms: set[Path] = set()

    def write(self, name: str, content: str | bytes) -> Path:
        """Replace a file of the report.

        Args:
            name: relative to the report's folder; at most one folder deep.

        Raises:
            BadInput: the file cannot be written, or a folder has its name.
        """
        path = self.folder / name
        try:
            if path.parent != self.folder and path.parent not in self._rooms:
                make_folder(path.parent)
                self._rooms.add(path.parent)
            if path.is_dir() and not path.is_symlink():
                raise Foreign(
                    f"{printable(str(path))} cannot be written (a folder that bnlab did not create): move it away"
                )
            write_atomic(path, content)
        except OSError as error:
            _refuse(error, path)
        return path

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that an earlier report wrote and this one did not, which would look like its own."""
        for name in names:
            path = self.folder / name
            if path.parent.is_symlink() or not (path.is_symlink() or is_regular(path)):
                continue
            try:
                path.unlink()
            except OSError as error:
                _refuse(error, path)


def choose_folder(studies: Sequence[Path], out: Path | None, names: Sequence[str]) -> OutputFolder:
    """Return the folder for a report of these studies, created if missing and marked as theirs.

    Args:
        studies: their folders, without repetition.
        out: the requested folder. Default: `report` in the folder of a single study; for several studies a folder
            beside the first, with a name that no other report has.
        names: names of all files that a report may have, relative to its folder.

    Raises:
        BadInput: the folder cannot be written, or contains something else: a run, another report, or a file with a
            name in `names` that may not belong to a report.
    """
    if out is not None:
        folder = out
        _check(folder, studies, names)
    elif len(studies) == 1:
        folder = studies[0] / "report"
        # Older versions of bnlab wrote no report.json; the page identifies their reports.
        if folder.is_dir():
            _check(folder, studies, () if _is_page(folder / PAGE) else names)
    else:
        folder = _free(studies)
    place = make_output_folder(folder, parents=out is not None)
    place.write(NAME, json.dumps({"studies": _relative(studies, folder)}, indent=1) + "\n")
    return place


def make_output_folder(folder: Path, *, parents: bool) -> OutputFolder:
    """Return the place of a folder, created if necessary, with `parents` also the folders above it.

    Raises:
        BadInput: it cannot be created.
    """
    try:
        if parents:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            make_folder(folder)
    except OSError as error:
        _refuse(error, folder)
    except RecursionError:
        raise BadInput("--out is nested too deeply: choose a folder higher up") from None
    return OutputFolder(folder)


def check_free(folder: Path, what: str) -> None:
    """Raise BadInput if a folder is a file, belongs to a run, or is a study.

    Args:
        what: noun of the message: "a report".
    """
    refusal = f"{what} cannot go to {printable(str(folder))}, which is"
    if is_regular(folder):
        raise BadInput(f"{refusal} a file: --out DIR")
    for above in (folder, *folder.parents[:1]):
        if os.path.lexists(above / "run.json"):
            raise BadInput(f"{refusal} {'' if above == folder else 'in '}a run: --out DIR")
    if os.path.lexists(folder / PACKS) or os.path.lexists(folder / INDEX):
        raise BadInput(f"{refusal} a study: --out DIR")


def _check(folder: Path, studies: Sequence[Path], names: Sequence[str]) -> None:
    """Raise BadInput if a report of these studies must not be written to a folder."""
    check_free(folder, "a report")
    shown = printable(str(folder))
    try:
        found = _owners(folder)
    except Unreadable as error:
        raise BadInput(f"a report cannot go to {shown}: {error}: --out DIR") from None
    if found is None:
        if taken := next((name for name in names if os.path.lexists(folder / name)), None):
            raise BadInput(f"a report cannot go to {shown}, whose {taken} may not belong to a report: --out DIR")
    elif sorted(found) != sorted(_relative(studies, folder)):
        listed = printable(", ".join(os.path.normpath(folder / name) for name in found))
        raise BadInput(f"{shown} contains the report of {listed}: choose another folder (--out DIR), or remove it")
    for room in {Path(name).parent for name in names} - {Path()}:
        try:
            check_own(folder / room, folder=True)
        except OSError as error:  # for example a name that is too long
            _refuse(error, folder)


def _is_page(path: Path) -> bool:
    """Return whether a file is the page of a report."""
    try:
        return b"bnlab</title>" in read_bytes(path)
    except (FileNotFoundError, Unreadable):
        return False


def _free(studies: Sequence[Path]) -> Path:
    """Return a folder for a comparison beside the first study: the one that already contains it, or a new one."""
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
    raise BadInput(f"{printable(str(beside))} contains {_MOST} folders named like {printable(name)}: --out DIR")


def _owners(folder: Path) -> list[str] | None:
    """Return the studies whose report a folder contains; None without a report.

    Raises:
        Unreadable: its report.json is damaged, or not that of a report.
    """
    path = folder / NAME
    try:
        return _Content.model_validate(read_json(path)).studies
    except FileNotFoundError:
        return None
    except ValidationError:
        raise Unreadable(f"{printable(str(path))} does not belong to a report") from None


def _relative(studies: Sequence[Path], folder: Path) -> list[str]:
    here = folder.resolve()
    return [os.fsencode(os.path.relpath(study.resolve(), here)).decode(errors="backslashreplace") for study in studies]


def _refuse(error: OSError, path: Path) -> NoReturn:
    if error.errno in _FULL:
        raise error
    raise BadInput(f"{printable(str(path))} cannot be written ({error.strerror}): --out DIR") from None
