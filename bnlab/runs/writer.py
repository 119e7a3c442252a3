"""Writes one run's folder: CSV tables that only grow while the run lives, and run.json replaced whole."""

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from bnlab.errors import BadInput
from bnlab.runs.atomic import leftovers, write_atomic
from bnlab.runs.cell import text
from bnlab.runs.files import TABLE, Foreign, Unreadable, check_own, checksum, make_folder, open_own, reading
from bnlab.runs.holder import NAME as LOCK
from bnlab.runs.info import read_info, write_info
from bnlab.runs.schema import CHECKPOINT, COLUMNS, VERSION

_BLOCK = 1 << 20  # bytes
_ARRAYS = re.compile(r"([a-z_]+)_\d+\.npz")  # what `keep` writes: diagnostic and step
_FILES = ("run.json", "config.yaml", CHECKPOINT)
_APPENDED = ("log.txt", LOCK, *(f"{table}.csv" for table in COLUMNS))


def check_folder(folder: Path) -> None:
    """See that a run can be written into a folder that exists.

    Raises:
        Foreign: a link or something else stands in the place of the folder, or of a file or folder in it; or it may not
            be written.
    """
    check_own(folder, folder=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Foreign(f"{folder} cannot be written (Permission denied): mend it, and the same command goes on")
    for name in (*_FILES, *_APPENDED):
        check_own(folder / name)
    check_own(folder / "arrays", folder=True)
    for name in (*_APPENDED, "arrays"):  # the others are replaced, for which the folder's permissions are enough
        if os.path.lexists(folder / name) and not os.access(folder / name, os.R_OK | os.W_OK):
            raise Foreign(f"{folder / name} cannot be written (Permission denied): set its permissions or move it away")


class RunWriter:
    """The one writer of a run's folder; nothing is touched before the first call.

    A new run: `create`, then `append`. A resumed one: `truncate` to the lengths its checkpoint holds, then `append`.

    Errors: Foreign where a link or something else stands in the place of a file or folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handles: dict[str, BinaryIO] = {}
        self._sums: dict[str, blake2b] = {}
        self._info: dict[str, Any] | None = None

    def create(self, config_yaml: str, info: Mapping[str, Any]) -> None:
        """Begin the run anew with status `running`; what an earlier attempt wrote into the folder goes."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(self.folder)
        check_folder(self.folder)
        self._clear_arrays()
        self.truncate({})
        self.clear_leftovers()
        for name in (CHECKPOINT, "log.txt"):
            (self.folder / name).unlink(missing_ok=True)
        write_atomic(self.folder / "config.yaml", config_yaml)
        self._info = {"metrics": {}, **info, "status": "running", "schema": VERSION}
        write_info(self.folder, self._info)

    def update(self, **fields: Any) -> None:
        """Replace these keys of run.json. Errors: ValueError for a key or status the schema does not know."""
        current = self._info if self._info is not None else read_info(self.folder)
        updated = {**current, **fields}
        write_info(self.folder, updated)
        self._info = updated

    def append(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to `<table>.csv`, flushed; a column left out is written empty.

        Errors: KeyError for a table, ValueError for a column that the schema does not know, or a line break in a cell.
        """
        columns = COLUMNS[table]
        known = set(columns)
        lines = []
        for row in rows:
            if not row.keys() <= known:
                unknown = sorted(row.keys() - known)
                raise ValueError(f"{table}.csv has no column {', '.join(unknown)}; there is {', '.join(columns)}")
            lines.append([text(row.get(column)) for column in columns])
        handle = self._handle(table)
        if handle.tell() == 0:
            lines.insert(0, list(columns))
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(lines)
        content = written.getvalue()
        if content.count("\n") != len(lines) or "\r" in content:  # a line is what a kill can tear
            raise ValueError(f"a line break in a cell of {table}.csv: {lines}")
        data = content.encode()
        handle.write(data)
        handle.flush()
        self._sums[table].update(data)

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write arrays (NumPy) to `arrays/<name>.npz`, whole or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        make_folder(self.folder / "arrays")
        write_atomic(self.folder / "arrays" / f"{name}.npz", buffer.getvalue())

    def lengths(self) -> dict[str, int]:
        """Return the bytes of each table's file, all of them on disk: what a checkpoint keeps for `truncate`."""
        for handle in self._handles.values():
            handle.flush()
            os.fsync(handle.fileno())
        return {table: self._path(table).stat().st_size for table in COLUMNS if self._path(table).exists()}

    def sums(self) -> dict[str, str]:
        """Return the checksum of each table's file, by what was written: what a checkpoint keeps for `truncate`."""
        for table in COLUMNS:
            if table not in self._sums and self._path(table).exists():
                self._sums[table] = self._hashed(table, self._path(table).stat().st_size)
        return {table: found.hexdigest() for table, found in self._sums.items()}

    def truncate(self, lengths: Mapping[str, int], sums: Mapping[str, str] | None = None) -> None:
        """Cut each table to its length; a table without one is removed.

        Args:
            sums: checksums that the tables have at these lengths; null where they are not known.

        Errors: BadInput where a file holds less than its length, or something else than was written.
        """
        self.close()
        for table in COLUMNS:
            path = self._path(table)
            check_own(path)
            if table not in lengths:
                path.unlink(missing_ok=True)
                continue
            size = path.stat().st_size if path.exists() else 0
            again = f"remove {self.folder} to train the run anew"
            if size < lengths[table]:
                raise BadInput(f"{path} has {size} bytes and its checkpoint counts {lengths[table]}: {again}")
            self._sums[table] = self._hashed(table, lengths[table])
            if sums is not None and self._sums[table].hexdigest() != sums.get(table):
                raise BadInput(f"{path} is not what the run has written: {again}")
            with open_own(path) as handle:
                handle.truncate(lengths[table])

    def clear_leftovers(self) -> None:
        """Remove the temporary files that a kill has left."""
        for path in leftovers(self.folder, _FILES.__contains__):
            path.unlink(missing_ok=True)

    def log(self, line: str) -> None:
        """Add a line to log.txt."""
        with open_own(self.folder / "log.txt") as handle:
            handle.write(f"{line}\n".encode())

    def close(self) -> None:
        """Close the tables; a later `append` opens them again."""
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()
        self._sums.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.csv"

    def _handle(self, table: str) -> BinaryIO:
        if table not in self._handles:
            handle = open_own(self._path(table))
            size = handle.seek(0, os.SEEK_END)
            self._handles[table] = handle
            if table not in self._sums:
                self._sums[table] = self._hashed(table, size)
        return self._handles[table]

    def _hashed(self, table: str, length: int) -> blake2b:
        """Return the hash of a table's first bytes, which `append` goes on with."""
        found = checksum()
        if length == 0:
            return found
        with reading(self._path(table), TABLE) as handle:
            while length > 0 and (block := handle.read(min(length, _BLOCK))):
                found.update(block)
                length -= len(block)
        return found

    def _clear_arrays(self) -> None:
        """Remove what the diagnostics that run.json names have kept."""
        folder = self.folder / "arrays"
        if not folder.is_dir():
            return
        try:
            names = read_info(self.folder)["diagnostics"] or {}
        except Unreadable:
            return

        def is_ours(name: str) -> bool:
            found = _ARRAYS.fullmatch(name)
            return found is not None and found[1] in names

        kept = [path for path in folder.iterdir() if is_ours(path.name) and path.is_file() and not path.is_symlink()]
        for path in [*kept, *leftovers(folder, is_ours)]:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # something of the user's is in there
            folder.rmdir()
