"""index.csv of a study: one row a run. Derived from the run.json files, which are the truth; rebuilt at will."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bnlab.runs.atomic import write_atomic
from bnlab.runs.cell import text
from bnlab.runs.info import Unreadable, read_info, run_folders
from bnlab.runs.schema import METRICS

FACTS = ("run_id", "status", "cause", "diverged_at", "seconds", "n_params")
_FIRST = ("model", "norm", "placement")


def rebuild(study: Path) -> list[Path]:
    """Write `<study>/index.csv` and return the run folders left out because their run.json cannot be read."""
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
    """Write `<study>/index.csv` from what run.json files hold."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = index_columns(infos)
    writer.writerow(columns)
    axes = axis_names(infos)
    for info in sorted(infos, key=lambda info: _order(info, axes)):
        # An axis that is null differs from one the run does not have.
        row = {k: "null" if k in axes and v is None else text(v) for k, v in index_row(info).items()}
        writer.writerow([row.get(name, "") for name in columns])
    write_atomic(study / "index.csv", buffer.getvalue())


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


def _order(info: dict[str, Any], axes: Sequence[str]) -> tuple[Any, ...]:
    return (*(_sortable(info["axes"].get(name)) for name in axes), info["run_id"])


def _sortable(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then everything else by its text."""
    if isinstance(value, int | float):
        return (0, float(value), "")
    return (1, 0.0, text(value))
