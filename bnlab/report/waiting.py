"""How long each condition takes to the target, at its best rate."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from bnlab.report.stats import Target, first_reached, seconds_at, time_to_target

if TYPE_CHECKING:
    from bnlab.report.frame import Frame


class Waiting(NamedTuple):
    """Epochs and seconds to the target over the seeds of a condition's best rate."""

    epochs: Target
    seconds: Target


def waiting(frame: "Frame", place: int) -> Waiting:
    """Of the complete runs that stand for a condition."""
    runs = frame.at_shown(place)
    evals = frame.val_evals.of(runs["run_id"])
    reached = first_reached(evals, frame.target)
    alone = reached[own_seconds(frame, reached.index)]
    seconds = seconds_at(frame.steps.of(alone.index), alone["step"])
    return Waiting(
        time_to_target(reached["epoch"], float(evals["epoch"].max())),
        time_to_target(seconds, float(runs["seconds"].max())),
    )


def own_seconds(frame: "Frame", run_ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Whether each run was trained alone: those trained several at a time have no seconds of their own."""
    executions = (frame.source.infos[run_id]["execution"] or {} for run_id in run_ids)
    return np.array([execution.get("executor") == "serial" for execution in executions], dtype=bool)
