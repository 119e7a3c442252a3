"""Check of the files of finished runs against what the runs wrote."""

import zipfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bnlab.runs.files import ARCHIVE, TABLE, Unreadable, checksum, read_bytes, read_text, reading
from bnlab.runs.schema import CHECKPOINT, COLUMNS
from bnlab.runs.table import read_table
from bnlab.text import printable


class Damage(NamedTuple):
    """A damaged file of a finished run, the reason, and the command that trains the run again."""

    path: Path
    reason: str
    command: str


def damages(folder: Path, info: dict[str, Any]) -> list[Damage]:
    """Return the damaged files of a finished run: tables by run.json's checksums, archives also by their own.

    A run of an older bnlab has no checksums; only the format of its tables is checked.
    """
    sums, found = info["checksums"], list[tuple[Path, str]]()
    for table in COLUMNS:
        path = folder / f"{table}.csv"
        try:
            if sums is None:
                read_table(path, table)
                if table == "steps" and not path.exists():
                    found.append((path, "it is missing"))
            elif (table in sums or path.exists()) and _sum(path) != sums.get(table):
                found.append((path, "it has changed since the run wrote it"))
        except FileNotFoundError:
            found.append((path, "it is missing"))
        except Unreadable as error:
            found.append((path, str(error)))
    if info["status"] == "complete":
        found += _archive(folder / CHECKPOINT)
    for key, name in (("checkpoint", CHECKPOINT), ("config", "config.yaml")):
        if sums is not None and key in sums and (folder / name) not in dict(found):
            with suppress(FileNotFoundError, Unreadable):  # the other checks report it
                if _sum(folder / name, ARCHIVE) != sums[key]:
                    found.append((folder / name, "it has changed since the run wrote it"))
    arrays = folder / "arrays"
    for path in sorted(arrays.glob("*.npz")) if arrays.is_dir() else ():
        found += _archive(path)
    try:
        read_text(folder / "config.yaml")
    except FileNotFoundError:
        found.append((folder / "config.yaml", "it is missing"))
    except Unreadable as error:
        found.append((folder / "config.yaml", str(error)))
    again = f"{info['command']} rerun=true" if info["command"] else ""
    return [Damage(path, reason, again) for path, reason in found]


_OURS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what torch and NumPy write


def _sum(path: Path, most: int = TABLE) -> str:
    return checksum(read_bytes(path, most)).hexdigest()


def _archive(path: Path) -> Iterable[tuple[Path, str]]:
    try:
        with reading(path, ARCHIVE) as file, zipfile.ZipFile(file) as archive:
            odd = [one for one in archive.infolist() if one.compress_type not in _OURS or one.file_size > TABLE]
            if odd:
                return [(path, f"its member {printable(odd[0].filename)} is not one that bnlab writes")]
            bad = archive.testzip()
    except FileNotFoundError:
        return [(path, "it is missing")]
    except Unreadable as error:
        return [(path, str(error))]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        return [(path, f"it is not a complete archive ({error})")]
    return [] if bad is None else [(path, f"its member {bad} is damaged")]
