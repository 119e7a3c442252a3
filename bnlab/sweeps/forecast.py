"""What runs will take, by what earlier runs of the study took."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bnlab.config.schema import FREE
from bnlab.runs.index import scan
from bnlab.runs.schema import COLUMNS
from bnlab.runs.status import last_row

SAMPLE = 10  # earlier runs that are asked

# What decides the time of an update: all axes but these, or else those of the model, the data and the batch alone.
_LENGTH = {"seed", "epochs", "steps", *(f"optim.{name}" for name in FREE)}
_SHAPE = ("model", "data", "accumulate", "precision")

Axes = Mapping[str, Any]


@dataclass(frozen=True)
class Cost:
    """What one run takes.

    Attributes:
        seconds: of a run alone, or its share of its pack.
        size: bytes of its folder.
        runs: how many earlier runs say so.
        alike: whether they differ from it in seed, rates and length alone, and not in norm or optimizer too.
    """

    seconds: float
    size: float
    runs: int
    alike: bool


class Forecast:
    """Knows a study's complete runs."""

    def __init__(self, study: Path) -> None:
        self._study = study
        infos = scan(study)[0] if study.is_dir() else []
        complete = [info for info in infos if info["status"] == "complete" and info["seconds"]]
        self._together = Counter(_pack(info) for info in infos)  # runs that share a pack's time
        self._groups = [(True, _alike, _grouped(complete, _alike)), (False, _shape, _grouped(complete, _shape))]
        self._seen: dict[str, tuple[float, float, float] | None] = {}

    def cost(self, axes: Axes) -> Cost | None:
        """What a run of these axes takes; null where no complete run has its model, data and batch."""
        for alike, key, groups in self._groups:
            known = groups.get(key(axes), [])
            found = [seen for info in known[:SAMPLE] if (seen := self._seen_of(info)) is not None]
            if found:
                updates = axes["steps"] or axes["epochs"] * median(per_epoch for _, per_epoch, _ in found)
                seconds = updates * median(each for each, _, _ in found)
                return Cost(seconds, median(size for _, _, size in found), len(known), alike)
        return None

    def seconds(self, every: Sequence[Axes]) -> float | None:
        """What such runs take one after another; null where a single one is unknown."""
        costs = [self.cost(axes) for axes in every]
        return None if None in costs else sum(cost.seconds for cost in costs if cost is not None)

    def _seen_of(self, info: dict[str, Any]) -> tuple[float, float, float] | None:
        """Seconds an update, updates an epoch and bytes of a complete run."""
        run_id = info["run_id"]
        if run_id not in self._seen:
            self._seen[run_id] = self._look(info)
        return self._seen[run_id]

    def _look(self, info: dict[str, Any]) -> tuple[float, float, float] | None:
        folder = self._study / info["run_id"]
        row = last_row(folder / "steps.csv")
        try:
            last = dict(zip(COLUMNS["steps"], row or [], strict=True))
            step, epoch = int(last["step"]), float(last["epoch"])
        except ValueError:  # none there, or damaged: others will tell
            return None
        if step == 0 or epoch == 0:
            return None
        seconds = info["seconds"] / (1 if (pack := _pack(info)) is None else self._together[pack])
        return seconds / step, step / epoch, sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _alike(axes: Axes) -> str:
    return _key({name: v for name, v in axes.items() if name not in _LENGTH and not name.startswith("schedule")})


def _shape(axes: Axes) -> str:
    return _key({name: value for name, value in axes.items() if name.partition(".")[0] in _SHAPE})


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
