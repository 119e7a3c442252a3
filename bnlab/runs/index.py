"""index.csv of a study: one row a run. Derived from the run.json files, which are the truth; rebuilt at will.

While runs end, rows are appended as they come; in the end all is written anew, in order. Processes take turns, and
whoever writes all of it reads the folders anew, so that none loses what another has added.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bnlab.runs.atomic import write_atomic
from bnlab.runs.cell import inert, text
from bnlab.runs.files import TABLE, Unreadable, open_own, read_bytes, reading
from bnlab.runs.info import read_info, run_folders
from bnlab.runs.schema import METRICS
from bnlab.runs.shared_lock import shared_lock

FACTS = ("run_id", "status", "cause", "diverged_at", "seconds", "n_params")
NAME = "index.csv"
LOCK = ".index.lock"
_FIRST = ("model", "norm", "placement")


class Index:
    """Keeps a study's index.csv as its runs end; a row costs the same however many there are.

    A run that is trained again gets a second row below its first, until `close`.
    """

    def __init__(self, study: Path) -> None:
        self._study = study

    def add(self, info: dict[str, Any]) -> None:
        """Append a run that has ended, run.json written; all is written anew where columns are new or a row is torn."""
        with shared_lock(self._study, LOCK):
            path = self._study / NAME
            columns, cells = _columns_of(path), _cells(info)
            # A colleague's file is replaced, for which the folder's permissions are enough.
            if cells.keys() <= set(columns) and os.access(path, os.W_OK):
                with open_own(path) as handle:
                    handle.write(_line([cells.get(name, "") for name in columns]).encode())
            else:
                write_index(self._study, scan(self._study)[0])

    def close(self) -> None:
        """Write the index anew from the folders: every run once, in order."""
        rebuild(self._study)


def rebuild(study: Path) -> list[Path]:
    """Write `<study>/index.csv` and return the run folders left out because their run.json cannot be read."""
    with shared_lock(study, LOCK):
        infos, unreadable = scan(study)
        write_index(study, infos)
    return unreadable


def scan(study: Path) -> tuple[list[dict[str, Any]], list[Path]]:
    """Every readable run.json of a study, and the folders of the others."""
    infos, unreadable = [], []
    for folder in run_folders(study):
        try:
            infos.append(read_info(folder))
        except Unreadable:
            unreadable.append(folder)
    return infos, unreadable


def write_index(study: Path, infos: Sequence[dict[str, Any]]) -> None:
    """Write `<study>/index.csv` from what run.json files hold, unless it says so already."""
    columns = index_columns(infos)
    axes = ([info["axes"].get(name) for info in infos] for name in axis_names(infos))
    rows = (_cells(infos[place]) for place in in_order(axes, [info["run_id"] for info in infos]))
    lines = [_line(columns), *(_line([row.get(name, "") for name in columns]) for row in rows)]
    path, content = study / NAME, "".join(lines).encode()
    try:
        before = read_bytes(path, TABLE)
    except (FileNotFoundError, Unreadable):
        before = b""
    if before != content:
        write_atomic(path, content)


def axis_names(infos: Sequence[dict[str, Any]]) -> list[str]:
    """Every axis of these runs: model, norm, placement, then the others by name."""
    names = {name for info in infos for name in info["axes"]}
    return [name for name in _FIRST if name in names] + sorted(names - set(_FIRST))


def index_columns(infos: Sequence[dict[str, Any]]) -> list[str]:
    return [*FACTS, *axis_names(infos), *METRICS]


def index_row(info: dict[str, Any]) -> dict[str, Any]:
    """One run's row; an axis that this run does not have is left out."""
    facts = {name: info[name] for name in FACTS}
    return facts | info["axes"] | {name: info["metrics"].get(name) for name in METRICS}


def _cells(info: dict[str, Any]) -> dict[str, str]:
    # An axis that is null differs from one the run does not have.
    axes = info["axes"]
    return {
        name: (inert(value) if type(value) is str else text(value)) if value is not None else "null" * (name in axes)
        for name, value in index_row(info).items()
    }


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _columns_of(path: Path) -> list[str]:
    """The columns of an index that a row can be appended to; none of one that is missing or ends in half a row."""
    try:
        with reading(path, TABLE) as handle:
            header = handle.readline()
            if not header:
                return []
            handle.seek(-1, os.SEEK_END)
            whole = handle.read() == b"\n"
    except (FileNotFoundError, Unreadable):
        return []
    return next(csv.reader([header.decode(errors="replace")]), []) if whole else []


def in_order(axes: Iterable[Sequence[Any]], run_ids: Sequence[str]) -> list[int]:
    """The places of runs in the order of their rows: by axis, then by run_id.

    Args:
        axes: the values that the runs have of each axis, in the order of `axis_names`.
    """
    weights = [0] * len(run_ids)
    for values in axes:
        if values.count(values[0]) < len(values):  # most axes are the same in all runs
            ranks, most = _ranks(values)
            weights = [weight * most + rank for weight, rank in zip(weights, ranks, strict=True)]
    by_id = sorted(range(len(run_ids)), key=run_ids.__getitem__)
    return sorted(by_id, key=weights.__getitem__)


def _ranks(values: Sequence[Any]) -> tuple[list[int], int]:
    """The rank of each value among those that differ, and how many these are."""
    try:
        keys = {value: _sortable(value) for value in set(values)}  # few, of thousands of runs
        each = [keys[value] for value in values]
    except TypeError:  # lists
        each = [_sortable(value) for value in values]
    ranks = {key: rank for rank, key in enumerate(sorted(set(each)))}
    return [ranks[key] for key in each], len(ranks)


def _sortable(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then everything else by its text."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, text(value))
