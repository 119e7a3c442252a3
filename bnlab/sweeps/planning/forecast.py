"""Estimated cost of runs, from earlier runs of the study."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bnlab.config.schema import FREE
from bnlab.runs.index import scan
from bnlab.runs.schema import COLUMNS
from bnlab.runs.status import last_row

SAMPLE = 10  # most earlier runs that are read

# The time of an update depends on all axes but these; failing that, only model, data and batch are compared.
_LENGTH = {"seed", "epochs", "steps", *(f"optim.{name}" for name in FREE)}
_ORIGIN = {"init_from", "init_from.weights", "data.root"}  # missing in older runs
_SHAPE = ("model", "data", "accumulate", "precision")

Axes = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """Cost of one run.

    Attributes:
        seconds: of a single run, or its share of its pack.
        packed: whether it is a share, because most of the earlier runs were trained in packs.
        size: bytes of its folder.
        runs: number of earlier runs behind the estimate.
        alike: whether they differ from it only in seed, rates and length, and not also in norm or optimizer.
    """

    seconds: float
    packed: bool
    size: float
    runs: int
    alike: bool


class Forecast:
    """Estimates from a study's complete runs."""

    def __init__(self, study: Path) -> None:
        self._study = study
        infos = scan(study)[0] if study.is_dir() else []
        complete = [info for info in infos if info["status"] == "complete" and info["seconds"]]
        self._together = Counter(_pack(info) for info in infos)  # runs that share a pack's time
        self._groups = [(True, _alike, _grouped(complete, _alike)), (False, _shape, _grouped(complete, _shape))]
        self._seen: dict[str, _Seen | None] = {}

    def cost(self, axes: Axes) -> Cost | None:
        """Return the cost of a run with these axes; None if no complete run has its model, data and batch."""
        for alike, key, groups in self._groups:
            known = groups.get(key(axes), [])
            found = [seen for info in known[:SAMPLE] if (seen := self._seen_of(info)) is not None]
            if found:
                packed = 2 * sum(one.packed for one in found) > len(found)
                found = [one for one in found if one.packed == packed]
                updates = axes["steps"] or axes["epochs"] * median(one.per_epoch for one in found)
                seconds = updates * median(one.seconds for one in found)
                return Cost(seconds, packed, median(one.size for one in found), len(known), alike)
        return None

    def _seen_of(self, info: dict[str, Any]) -> "_Seen | None":
        run_id = info["run_id"]
        if run_id not in self._seen:
            self._seen[run_id] = self._look(info)
        return self._seen[run_id]

    def _look(self, info: dict[str, Any]) -> "_Seen | None":
        folder = self._study / info["run_id"]
        row = last_row(folder / "steps.csv")
        try:
            last = dict(zip(COLUMNS["steps"], row or [], strict=True))
            step, epoch = int(last["step"]), float(last["epoch"])
        except ValueError:  # missing or damaged, which is reported elsewhere
            return None
        if step == 0 or epoch == 0:
            return None
        together = 1 if (pack := _pack(info)) is None else self._together[pack]
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        return _Seen(info["seconds"] / together / step, step / epoch, size, pack is not None)


class _Seen(NamedTuple):
    """Measurements of a complete run: seconds per update (its share of a pack's), updates per epoch, bytes."""

    seconds: float
    per_epoch: float
    size: int
    packed: bool


def _alike(axes: Axes) -> str:
    apart = _LENGTH | _ORIGIN
    return _key({name: v for name, v in axes.items() if name not in apart and not name.startswith("schedule")})


def _shape(axes: Axes) -> str:
    return _key({name: v for name, v in axes.items() if name.partition(".")[0] in _SHAPE and name not in _ORIGIN})


def _key(axes: Axes) -> str:
    return json.dumps(axes, sort_keys=True)


def _grouped(infos: Sequence[dict[str, Any]], key: Callable[[Axes], str]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for info in infos:
        groups.setdefault(key(info["axes"]), []).append(info)
    return groups


def _pack(info: Mapping[str, Any]) -> str | None:
    execution = info["execution"] or {}
    return execution.get("pack") if execution.get("executor") == "fused" else None
