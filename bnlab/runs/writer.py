"""Writer of one run's folder: CSV tables that only grow, and run.json, which is replaced atomically."""

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
from bnlab.runs.info import read_info, write_info
from bnlab.runs.lock import ensure_held
from bnlab.runs.lock_holder import NAME as LOCK
from bnlab.runs.schema import CHECKPOINT, COLUMNS, VERSION

_BLOCK = 1 << 20  # bytes
_ARRAYS = re.compile(r"([a-z_]+)_\d+\.npz")  # names that `keep` writes: diagnostic and step
_FILES = ("run.json", "config.yaml", CHECKPOINT, LOCK)
_APPENDED = ("log.txt", *(f"{table}.csv" for table in COLUMNS))


def check_folder(folder: Path) -> None:
    """Check that a run can be written into an existing folder.

    Raises:
        Foreign: a link or something else is in the place of the folder, or of a file or folder in it; or it cannot be
            written.
    """
    check_own(folder, folder=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Foreign(f"{folder} cannot be written (Permission denied): fix that and repeat the command")
    for name in (*_FILES, *_APPENDED):
        check_own(folder / name)
    check_own(folder / "arrays", folder=True)
    for name in (*_APPENDED, "arrays"):  # the others are replaced, for which the folder's permissions are enough
        if os.path.lexists(folder / name) and not os.access(folder / name, os.R_OK | os.W_OK):
            raise Foreign(f"{folder / name} cannot be written (Permission denied): set its permissions or move it away")


class RunWriter:
    """The one writer of a run's folder; nothing is touched before the first call.

    A new run: `create`, then `append`. A resumed one: `truncate` to the lengths its checkpoint holds, then `append`.

    Errors: Foreign if a link or something else is in the place of a file or folder of the run; Lost if this process
    has held the folder's lock and lost it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handles: dict[str, BinaryIO] = {}
        self._sums: dict[str, blake2b] = {}
        self._info: dict[str, Any] | None = None

    def create(self, config_yaml: str, info: Mapping[str, Any]) -> None:
        """Start the run from the beginning with status `running`; remove what an earlier attempt wrote."""
        ensure_held(self.folder)
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
        """Replace these keys of run.json.

        Raises:
            ValueError: a key or the status is not in the schema.
        """
        ensure_held(self.folder)
        current = self._info if self._info is not None else read_info(self.folder)
        updated = {**current, **fields}
        write_info(self.folder, updated)
        self._info = updated

    def append(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to `<table>.csv` and flush; a missing column is written empty.

        Raises:
            KeyError: the table is not in the schema.
            ValueError: a column is not in the schema, or a cell has a line break.
        """
        ensure_held(self.folder)
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
        if content.count("\n") != len(lines) or "\r" in content:  # a row torn by a kill is recognized by its line
            raise ValueError(f"a line break in a cell of {table}.csv: {lines}")
        data = content.encode()
        handle.write(data)
        handle.flush()
        self._sums[table].update(data)

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write NumPy arrays to `arrays/<name>.npz`, atomically."""
        ensure_held(self.folder)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        make_folder(self.folder / "arrays")
        write_atomic(self.folder / "arrays" / f"{name}.npz", buffer.getvalue())

    def lengths(self) -> dict[str, int]:
        """Return the size of each table in bytes, synced to disk; a checkpoint keeps it for `truncate`."""
        for handle in self._handles.values():
            handle.flush()
            os.fsync(handle.fileno())
        return {table: self._path(table).stat().st_size for table in COLUMNS if self._path(table).exists()}

    def sums(self) -> dict[str, str]:
        """Return the checksum of each table as written; a checkpoint keeps it for `truncate`."""
        for table in COLUMNS:
            if table not in self._sums and self._path(table).exists():
                self._sums[table] = self._hashed(table, self._path(table).stat().st_size)
        return {table: found.hexdigest() for table, found in self._sums.items()}

    def truncate(self, lengths: Mapping[str, int], sums: Mapping[str, str] | None = None) -> None:
        """Truncate each table to its length; remove a table without one.

        Args:
            sums: checksums of the tables at these lengths; None if unknown.

        Raises:
            BadInput: a file is shorter than its length, or its content has changed.
        """
        self.close()
        for table in COLUMNS:
            path = self._path(table)
            check_own(path)
            if table not in lengths:
                path.unlink(missing_ok=True)
                continue
            size = path.stat().st_size if path.exists() else 0
            again = f"remove {self.folder} to train the run again"
            if size < lengths[table]:
                raise BadInput(f"{path} has {size} bytes, its checkpoint expects {lengths[table]}: {again}")
            self._sums[table] = self._hashed(table, lengths[table])
            if sums is not None and self._sums[table].hexdigest() != sums.get(table):
                raise BadInput(f"{path} has changed since the run wrote it: {again}")
            with open_own(path) as handle:
                handle.truncate(lengths[table])

    def clear_leftovers(self) -> None:
        """Remove temporary files left by a kill."""
        for path in leftovers(self.folder, _FILES.__contains__):
            path.unlink(missing_ok=True)

    def log(self, line: str) -> None:
        """Append a line to log.txt."""
        with open_own(self.folder / "log.txt") as handle:
            handle.write(f"{line}\n".encode())

    def close(self) -> None:
        """Close the tables; a later `append` reopens them."""
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
        """Return the hash of a table's first bytes, for `append` to update."""
        found = checksum()
        if length == 0:
            return found
        with reading(self._path(table), TABLE) as handle:
            while length > 0 and (block := handle.read(min(length, _BLOCK))):
                found.update(block)
                length -= len(block)
        return found

    def _clear_arrays(self) -> None:
        """Remove the arrays of the diagnostics that run.json names."""
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
        with suppress(OSError):  # it contains files of the user
            folder.rmdir()
