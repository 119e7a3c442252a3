"""Time to the target of each condition, at its best rate."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bnlab.report.by_run import ByRun
from bnlab.report.stats import Target, first_reached, seconds_at, time_to_target

Infos = Mapping[str, Mapping[str, Any]]  # run.json by run_id


class TargetTimes(NamedTuple):
    """Epochs and seconds to the target over the seeds of a condition's best rate."""

    epochs: Target
    seconds: Target


def target_times(runs: pd.DataFrame, evals: ByRun, steps: ByRun, infos: Infos, target: float) -> TargetTimes:
    """Return the times to the target of a condition.

    Args:
        runs: the complete runs that represent it.
        evals: evaluations of the val split.
        steps: training metrics by step.
        target: val accuracy (0-1).
    """
    mine = evals.of(runs["run_id"])
    reached = first_reached(mine, target)
    alone = reached[own_seconds(infos, reached.index)]
    seconds = seconds_at(steps.of(alone.index), alone["step"])
    return TargetTimes(
        time_to_target(reached["epoch"], float(mine["epoch"].max())),
        time_to_target(seconds, float(runs["seconds"].max())),
    )


def own_seconds(infos: Infos, run_ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return whether each run was trained alone: runs of a pack are not timed separately."""
    executions = (infos[run_id]["execution"] or {} for run_id in run_ids)
    return np.array([execution.get("executor") == "serial" for execution in executions], dtype=bool)
