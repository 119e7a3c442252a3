"""The CSV tables of runs as DataFrames: many files are parsed as one, which takes a tenth of the time."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bnlab.errors import BadInput
from bnlab.runs.schema import COLUMNS

_TEXT = {"split", "mode", "site", "unit", "kind", "shape", "norm", "parameter", "diagnostic", "quantity", "index"}
_WHOLE = {"step", "examples", "n", "depth", "count"}


def read_tables(paths: Mapping[str, Path], table: str) -> pd.DataFrame:
    """One table of many runs, by run_id: run_id, then the table's columns. A file that does not exist has no rows.

    Errors: BadInput for the first file that is damaged, see `read_table`.
    """
    header = _header(table)
    contents = {run_id: _whole_lines(path, table) for run_id, path in paths.items()}
    bodies = [content.removeprefix(header) for content in contents.values()]
    counts = [body.count(b"\n") for body in bodies]
    try:
        if not all(content.startswith(header) for content in contents.values()):
            raise ValueError("a header is not the schema's")
        joined = _parsed(b"".join([header, *bodies]), table)
        if len(joined) != sum(counts):
            raise ValueError("a line is not a row")
    except ValueError:  # in some file: read them one by one to know which
        frames = [read_table(path, table) for path in paths.values()]
        counts = [len(frame) for frame in frames]
        joined = pd.concat(frames, ignore_index=True)
    joined.insert(0, "run_id", np.repeat(np.array(list(paths), dtype=object), counts))
    for name in _WHOLE & set(joined.columns):
        if not joined[name].isna().any():
            joined[name] = joined[name].astype("int64")
    return joined


def read_table(path: Path, table: str) -> pd.DataFrame:
    """One CSV file of a run, empty where it does not exist; a last line torn by a kill is left out.

    Errors: BadInput where its columns are not those of the schema or a cell is no number where one belongs.
    """
    try:
        frame = _parsed(_whole_lines(path, table), table)
    except ValueError as error:  # pandas' ParserError is one too, and ends in a line break
        reason = " ".join(str(error).split())
        raise BadInput(f"{path} is damaged ({reason}); remove {path.parent} and train that run anew") from None
    if tuple(frame.columns) != COLUMNS[table]:
        raise BadInput(f"{path} has columns {', '.join(frame.columns)}; a run has {', '.join(COLUMNS[table])}")
    return frame


def _header(table: str) -> bytes:
    return (",".join(COLUMNS[table]) + "\n").encode()


def _whole_lines(path: Path, table: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    return content[: content.rfind(b"\n") + 1] or _header(table)


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
    return frame
