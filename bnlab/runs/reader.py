"""`bnlab.load`: run folders as tidy DataFrames."""

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bnlab.errors import BadInput
from bnlab.runs.files import Unreadable, is_regular, is_there
from bnlab.runs.index import axis_names, in_order, index_columns, index_row
from bnlab.runs.info import read_info, run_folders
from bnlab.runs.schema import FINISHED
from bnlab.runs.status import studies_in
from bnlab.runs.table import read_tables

_WHAT = "a study's folder (outputs/<study>) or one run's, as `bnlab train` and `bnlab sweep` leave them"


class Runs:
    """The runs of one or more studies.

    Attributes:
        folders: folder of each run by run_id. A run that is in several studies is one run, finished ones first.
        infos: run.json of each run by run_id, in the order of the folders.
        unreadable: run folders left out because their run.json is missing or damaged, each with the reason.
        damaged: tables left out because they are damaged, each with the reason, as far as tables have been read; null
            where a damaged table raises `Unreadable`.

    Args:
        lenient: leave damaged tables out.
    """

    def __init__(self, folders: Iterable[Path], *, lenient: bool = False) -> None:
        self.damaged: dict[Path, str] | None = {} if lenient else None
        self.folders: dict[str, Path] = {}
        self.infos: dict[str, dict[str, Any]] = {}
        self.unreadable: dict[Path, str] = {}
        for folder in folders:
            try:
                info = read_info(folder)
            except Unreadable as error:
                self.unreadable[folder] = str(error)
                continue
            run_id = info["run_id"]
            known = self.infos.get(run_id)
            if known is None or (info["status"] in FINISHED and known["status"] not in FINISHED):
                self.folders[run_id] = folder
                self.infos[run_id] = info

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run, in the order of index.csv: its columns, then `study` (the folder's name).

        Numbers are numbers (float with nan where a run lacks the axis or it is null), an axis that is true or false is
        bool (object with None where some lack it), the rest is text.
        """
        infos = list(self.infos.values())
        rows = [index_row(info) for info in infos]
        values = {name: [row.get(name) for row in rows] for name in index_columns(infos)}
        columns = {name: _column(column) for name, column in values.items()}
        study = pd.Series([folder.parent.name for folder in self.folders.values()], dtype=object)
        places = in_order((values[name] for name in self.axes), list(self.infos))
        return pd.DataFrame({**columns, "study": study}).iloc[places].reset_index(drop=True)

    @property
    def axes(self) -> list[str]:
        """The config axes among the columns of `runs`."""
        return axis_names(list(self.infos.values()))

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Training by step: run_id, then the columns of steps.csv."""
        return self._table("steps")

    @cached_property
    def evals(self) -> pd.DataFrame:
        """Evaluations: run_id, then the columns of evals.csv."""
        return self._table("evals")

    @cached_property
    def sites(self) -> pd.DataFrame:
        """What was observed where: run_id, then the columns of sites.csv."""
        return self._table("sites")

    @cached_property
    def layers(self) -> pd.DataFrame:
        """Diagnostics by site, long: run_id, then the columns of layers.csv."""
        return self._table("layers")

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """Histogram bins, long: run_id, then the columns of histograms.csv."""
        return self._table("histograms")

    def table(self, table: str, run_ids: Iterable[str]) -> pd.DataFrame:
        """Return one of the tables of `runs.schema`, of some runs: run_id, then its columns."""
        paths = {run_id: self.folders[run_id] / f"{table}.csv" for run_id in run_ids}
        return read_tables(
            paths, table, {run_id: self.infos[run_id]["checksums"] or {} for run_id in paths}, self.damaged
        )

    def _table(self, table: str) -> pd.DataFrame:
        return self.table(table, self.folders)


def load(path: str | Path | Sequence[str | Path], *, lenient: bool = False) -> Runs:
    """The runs of a study's folder, of one run's folder, or of a list of such folders.

    Args:
        lenient: leave damaged tables out and name them in `Runs.damaged`; else reading one raises.

    Errors: BadInput where a path is no such folder or holds no run that can be read.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if not paths:
        raise BadInput(f"no folder given: give {_WHAT}")
    runs = Runs((folder for one in paths for folder in _folders(one)), lenient=lenient)
    if not runs.infos:
        raise BadInput(f"no run can be read: {next(iter(runs.unreadable.values()))}")
    return runs


def _folders(path: Path) -> list[Path]:
    if not is_there(path):
        raise BadInput(f"{path} does not exist: give {_WHAT}")
    if not os.path.isdir(path):  # noqa: PTH112 - `Path.is_dir` raises where a folder above may not be entered
        raise BadInput(f"{path} is {'a file' if is_regular(path) else 'no folder'}: give {_WHAT}")
    if os.path.lexists(path / "run.json"):
        return [path]
    found = run_folders(path)
    if not found:
        studies = studies_in(path)
        hint = f"; it holds studies, give one: {', '.join(str(path / name) for name in studies)}" if studies else ""
        raise BadInput(f"{path} holds no run{hint or f': give {_WHAT}'}")
    return found


def _column(values: list[Any]) -> pd.Series:
    present = [value for value in values if value is not None]
    if not present or any(isinstance(value, bool) for value in present):
        kind = "bool" if present and len(present) == len(values) and _all(present, bool) else "object"
        return pd.Series(values, dtype=kind)
    if _all(present, int) and len(present) == len(values):
        return pd.Series(values, dtype="int64")
    if _all(present, int, float):
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype="object")


def _all(values: list[Any], *kinds: type) -> bool:
    return all(isinstance(value, kinds) for value in values)
