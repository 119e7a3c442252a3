"""Read the folders of studies into a frame: the runs that can be reported, and the condition of each."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bnlab.errors import BadInput
from bnlab.report.condition import LR, SEED, conditions, varying_axes
from bnlab.report.frame import Frame
from bnlab.report.older_runs import complete
from bnlab.report.stats import ROUNDING
from bnlab.report.stats.estimate import LARGEST
from bnlab.runs.reader import load
from bnlab.runs.schema import METRICS
from bnlab.text import printable


def read(studies: Sequence[Path], target: float, tolerance: float) -> Frame:
    """Return the frame of these studies (folders of studies or of single runs).

    A run that cannot be assigned to a condition is left out and named, like one whose run.json cannot be read.

    Raises:
        BadInput: a folder is not a study, or no run is left.
    """
    source = load(list(studies), lenient=True)
    for run_id, reason in _misfits(source.infos).items():
        folder = source.folders.pop(run_id)
        source.unreadable[folder] = (
            f"{printable(str(folder / 'run.json'))} {reason}; remove its folder or train it again"
        )
        del source.infos[run_id]
    if not source.infos:
        raise BadInput(f"no run can be reported: {next(iter(source.unreadable.values()))}")
    complete(source)
    infos = source.infos.values()
    every = [info["axes"] for info in infos]
    axes = varying_axes(every)
    found, places = conditions(every, axes)
    study = [printable(folder.parent.name) for folder in source.folders.values()]
    runs = pd.DataFrame(  # not `source.runs`, where an axis may have the name of another column
        {
            "run_id": pd.Series(list(source.infos), dtype=object),
            "study": pd.Series(study, dtype=object),
            **{name: pd.Series([info[name] for info in infos], dtype=object) for name in ("status", "cause")},
            **{name: [_number(info[name]) for info in infos] for name in ("diverged_at", "seconds")},
            **{name: [_number(info["metrics"].get(name)) for info in infos] for name in METRICS},
            "condition": places,
            "lr": [float(one[LR]) for one in every],
            "seed": [one[SEED] for one in every],
            "grid": [f"{name}/{one.get('optim')}" for name, one in zip(study, every, strict=True)],
        }
    )
    return Frame(source, list(studies), runs, found, axes, target, tolerance)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _misfits(infos: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return why runs cannot be reported, by run_id."""
    found = {}
    for run_id, info in infos.items():
        lacking = [name for name in (LR, SEED) if info["axes"].get(name) is None]
        for name, value in info["metrics"].items():
            share = name.endswith("accuracy") and value is not None and not math.isnan(value)
            if share and not -ROUNDING <= value <= 1 + ROUNDING:
                found[run_id] = f"is damaged ({name} is {value:g}, not between 0 and 1)"
        if (info["seconds"] or 0) > LARGEST:
            found[run_id] = f"is damaged (seconds is {info['seconds']:g})"
        if lacking:
            found[run_id] = f"has no {' and no '.join(lacking)} among its axes"
        elif not 1 / LARGEST <= info["axes"][LR] <= LARGEST:
            found[run_id] = f"has {LR}={info['axes'][LR]:g}, and reports accept {1 / LARGEST:g} to {LARGEST:g}"
    return found
