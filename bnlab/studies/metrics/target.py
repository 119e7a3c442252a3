"""Time until the val accuracy of a run reached a target."""

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field

from bnlab.report.stats import ROUNDING, seconds_at
from bnlab.studies.evidence import Selected
from bnlab.studies.metrics.base import Metric
from bnlab.studies.quantity import Bounds, Quantity, Undecided


class ToTarget(Metric):
    """Epochs, or seconds, until val accuracy first reached `target`.

    The bounds are the previous evaluation and the first one at the target or above. For a run that never reached it,
    the length of the run is a lower bound.
    """

    exact: ClassVar[bool] = False
    positive: ClassVar[bool] = True
    name: Literal["epochs_to_target", "seconds_to_target"]
    target: Annotated[float, Field(gt=0, lt=1)]

    def measure(self, selected: Selected) -> Quantity:
        runs = selected.at_best
        seconds = self.name == "seconds_to_target"
        if seconds:
            _alone(selected, runs["run_id"])
        evals = selected.evidence.table(runs["run_id"], "evals")
        evals = evals[(evals["split"] == "val") & (evals["mode"] == "running")]
        steps = selected.evidence.table(runs["run_id"], "steps") if seconds else None
        found: dict[int, Bounds] = {}
        for run_id, seed in zip(runs["run_id"], runs["seed"], strict=True):
            mine = evals[evals["run_id"] == run_id]
            times = mine["epoch"]
            if steps is not None:
                logged = steps[steps["run_id"] == run_id]
                times = mine["step"].map(lambda step, logged=logged, run_id=run_id: _seconds(logged, run_id, step))
            found[int(seed)] = _first(times.tolist(), mine["accuracy"].tolist(), self.target)
        return Quantity(found, tuple(runs["run_id"]))


def _alone(selected: Selected, run_ids: Iterable[str]) -> None:
    """Raise `Undecided` if runs were trained together: the seconds then are not those of a single run."""
    for run_id in run_ids:
        execution = selected.evidence.source.infos[run_id]["execution"] or {}
        if execution.get("executor") != "serial":
            raise Undecided(f"runs of {selected.label} were trained together: their seconds cannot be told apart")


def _seconds(steps: pd.DataFrame, run_id: str, step: float) -> float:
    return float(seconds_at(steps, pd.Series({run_id: step}))[run_id])


def _first(times: list[float], accuracies: list[float], target: float) -> Bounds:
    before = 0.0
    for time, accuracy in zip(times, accuracies, strict=True):
        if accuracy >= target - ROUNDING:
            return Bounds(time, before, time)
        before = time
    return Bounds(before, before, math.inf, least=True)
