"""Writes one run's folder: CSV tables that only grow while the run lives, and run.json replaced whole."""

import csv
import io
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np

from bnlab.errors import BadInput
from bnlab.runs.atomic import leftovers, write_atomic
from bnlab.runs.cell import text
from bnlab.runs.info import read_info, write_info
from bnlab.runs.schema import COLUMNS, VERSION


class RunWriter:
    """The one writer of a run's folder; nothing is touched before the first call.

    A new run: `create`, then `append`. A resumed one: `truncate` to the lengths its checkpoint holds, then `append`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handles: dict[str, TextIO] = {}
        self._info: dict[str, Any] | None = None

    def create(self, config_yaml: str, info: Mapping[str, Any]) -> None:
        """Begin the run anew with status `running`; what an earlier attempt left in the folder goes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.truncate({})
        shutil.rmtree(self.folder / "arrays", ignore_errors=True)
        for path in (self.folder / "checkpoint.pt", self.folder / "log.txt", *leftovers(self.folder)):
            path.unlink(missing_ok=True)
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
        handle.write(content)
        handle.flush()

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write arrays (NumPy) to `arrays/<name>.npz`, whole or not at all."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        (self.folder / "arrays").mkdir(exist_ok=True)
        write_atomic(self.folder / "arrays" / f"{name}.npz", buffer.getvalue())

    def lengths(self) -> dict[str, int]:
        """Bytes of each table's file, all of them on disk: what a checkpoint keeps for `truncate`."""
        for handle in self._handles.values():
            handle.flush()
            os.fsync(handle.fileno())
        return {table: self._path(table).stat().st_size for table in COLUMNS if self._path(table).exists()}

    def truncate(self, lengths: Mapping[str, int]) -> None:
        """Cut each table to its length; a table without one is removed.

        Errors: BadInput where a file holds less than its length, for then rows that the checkpoint counts are lost.
        """
        self.close()
        for table in COLUMNS:
            path = self._path(table)
            if table not in lengths:
                path.unlink(missing_ok=True)
                continue
            size = path.stat().st_size if path.exists() else 0
            if size < lengths[table]:
                raise BadInput(
                    f"{path} has {size} bytes and its checkpoint counts {lengths[table]}: "
                    f"remove {self.folder} to train the run anew"
                )
            os.truncate(path, lengths[table])

    def log(self, line: str) -> None:
        """Add a line to log.txt."""
        with (self.folder / "log.txt").open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def close(self) -> None:
        """Close the tables; a later `append` opens them again."""
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, table: str) -> Path:
        return self.folder / f"{table}.csv"

    def _handle(self, table: str) -> TextIO:
        if table not in self._handles:
            self._handles[table] = self._path(table).open("a", encoding="utf-8", newline="")
        return self._handles[table]
