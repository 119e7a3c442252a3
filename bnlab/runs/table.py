"""The CSV tables of runs as DataFrames: many files are parsed as one, which takes a tenth of the time."""

import io
import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bnlab.runs.files import TABLE, Unreadable, checksum, read_bytes
from bnlab.runs.schema import COLUMNS
from bnlab.text import printable

_TEXT = {"split", "mode", "site", "unit", "kind", "shape", "norm", "parameter", "diagnostic", "quantity", "index"}
_WHOLE = {"step", "examples", "n", "depth", "count"}
_MEASURED = {"loss", "grad_norm", "value"}  # these may be infinite, and a loss of squared errors has any size
_LARGEST = 2.0**53  # up to which a float is every whole number

Sums = Mapping[str, Mapping[str, str]]


def read_tables(
    paths: Mapping[str, Path], table: str, sums: Sums | None = None, damaged: dict[Path, str] | None = None
) -> pd.DataFrame:
    """Return one table of many runs, by run_id: run_id, then the table's columns. A file that is not there has no rows.

    Args:
        sums: checksums of finished runs by run_id and table; what does not match is damaged.
        damaged: takes in the files that are left out as damaged, each with the reason; without it, the first one
            raises.

    Raises:
        Unreadable: a file is damaged, see `read_table`.
    """

    def leave_out(path: Path, error: Unreadable) -> None:
        study = printable(shlex.quote(str(path.parent.parent)))
        reason = f"{error}; bnlab status {study} --verify gives the command that trains the run again"
        if damaged is None:
            raise Unreadable(reason) from None
        damaged[path] = reason

    header, contents = _header(table), dict[str, bytes]()
    for run_id, path in paths.items():
        try:
            contents[run_id] = _whole_lines(path, table, (sums or {}).get(run_id, {}).get(table))
        except Unreadable as error:
            leave_out(path, error)
    bodies = [content.removeprefix(header) for content in contents.values()]
    counts = [body.count(b"\n") for body in bodies]
    try:
        joined = _parsed(b"".join([header, *bodies]), table)
        if len(joined) != sum(counts):
            raise ValueError("a line is not a row")
    except ValueError:  # in some file: read them one by one to know which
        frames = {}
        for run_id in contents:
            try:
                frames[run_id] = read_table(paths[run_id], table)
            except Unreadable as error:
                leave_out(paths[run_id], error)
        contents = {run_id: contents[run_id] for run_id in frames}
        counts = [len(frame) for frame in frames.values()]
        joined = pd.concat([_parsed(header, table), *frames.values()], ignore_index=True)
    joined.insert(0, "run_id", np.repeat(np.array(list(contents), dtype=object), counts))
    for name in _WHOLE & set(joined.columns):
        if not joined[name].isna().any():
            joined[name] = joined[name].astype("int64")
    return joined


def read_table(path: Path, table: str) -> pd.DataFrame:
    """Return one CSV file of a run, empty where it does not exist; a last line torn by a kill is left out.

    Raises:
        Unreadable: its columns are not those of the schema, or a cell holds what cannot be there.
    """
    content = _whole_lines(path, table, None)
    try:
        frame = _parsed(content, table)
        if len(frame) != sum(1 for line in content.split(b"\n")[1:] if line):
            raise ValueError("a line is not a row")
    except ValueError as error:  # pandas' ParserError is one too, and ends in a line break
        raise _damaged(path, " ".join(str(error).split())) from None
    return frame


def _damaged(path: Path, reason: str) -> Unreadable:
    return Unreadable(f"{printable(str(path))} is damaged ({printable(reason)[:200]})")


def _header(table: str) -> bytes:
    return (",".join(COLUMNS[table]) + "\n").encode()


def _whole_lines(path: Path, table: str, expected: str | None) -> bytes:
    """Return a table's content without a torn last line; the header alone where there is nothing.

    Args:
        expected: the checksum of the whole file.
    """
    try:
        content = read_bytes(path, TABLE)
    except FileNotFoundError:
        content = b""
    if expected is not None and checksum(content).hexdigest() != expected:
        raise _damaged(path, "it is not what the run has written" if content else "it is missing")
    header = _header(table)
    if not content.startswith(header) and not header.startswith(content):
        line = content.partition(b"\n")[0][:200].decode(errors="replace")
        raise _damaged(path, f"its first line is {line!r} and not the columns {', '.join(COLUMNS[table])}")
    return content[: content.rfind(b"\n") + 1] or header


def _parsed(content: bytes, table: str) -> pd.DataFrame:
    numbers = [name for name in COLUMNS[table] if name not in _TEXT]
    frame = pd.read_csv(
        io.BytesIO(content),
        dtype={name: "float64" if name in numbers else "object" for name in COLUMNS[table]},
        keep_default_na=False,  # a norm called "None" or a site called "NA" stays a name
        na_values={name: ["", "nan"] for name in numbers},
    )
    if not isinstance(frame.index, pd.RangeIndex):  # pandas has taken the first cells for names of rows
        raise ValueError("rows have more cells than there are columns")
    for name in numbers:
        values = frame[name].to_numpy()
        if name in _WHOLE and not (np.isnan(values) | ((values >= 0) & (values < _LARGEST) & (values % 1 == 0))).all():
            raise ValueError(f"{name} holds something else than whole numbers from 0")
        if name not in _MEASURED and np.isinf(values).any():
            raise ValueError(f"{name} is infinite")
        if name == "accuracy" and ((values < 0) | (values > 1)).any():
            raise ValueError("accuracy lies outside 0 to 1")
    return frame
