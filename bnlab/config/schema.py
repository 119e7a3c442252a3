"""Types and bounds of the options that do not belong to one model, norm or data set. Defaults: conf/config.yaml."""

from itertools import pairwise
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from bnlab.config.slurm import Partition, ScriptLine, Time
from bnlab.data.common import Common
from bnlab.options import Count, Fraction, Init, Moment, Natural, NonNegative, Positive, Workers

GROUPS = ("model", "norm", "placement", "statistics", "data", "optim", "schedule", "diagnostics")

RUN: dict[str, Any] = {
    "seed": Natural,
    "epochs": Count,
    "steps": Count | None,
    "accumulate": Count,
    "clip": Positive | None,
    "precision": Literal["float32", "tf32", "float64", "bfloat16"],
    "init_from": str | None,
    "freeze": list[str],
    "plugins": list[str],
    "processes": Workers,
    "threads": Workers | None,
    "device": Literal["auto", "cpu", "cuda"],
    "graphs": bool,
    "study": str | None,
    "scale": str | None,
    "output_dir": str,
    "log_every": Count,
    "checkpoint_seconds": NonNegative,
    "when": list[Moment] | None,
    "rerun": bool,
    "launcher": Literal["auto", "serial", "processes", "fused", "slurm", "none"],
}


def _looks(seeds: list[int]) -> list[int]:
    if seeds[0] < 2 or any(low >= high for low, high in pairwise(seeds)):
        raise PydanticCustomError("looks", "numbers of seeds that rise, the first at least 2, as in [3,5,8,12,20]")
    return seeds


Looks = Annotated[list[Count], Field(min_length=1), AfterValidator(_looks)]

# Execution of a sweep (conf/config.yaml); cannot change a result.
SWEEP: dict[str, Any] = {
    "retry": Literal["none", "failed"],
    "fail_fast": bool,
    "workers": Workers | None,
    "pack_size": Count | None,
    "max_runs": Count,
    "max_minutes": Positive | None,
    "time": Time | None,
    "partition": Partition | None,
    "gpus": Workers | None,
    "sbatch": list[ScriptLine],
    "wait": bool,
    "looks": Looks | None,
    "family": Literal["each", "holm"],
}

# Search for the critical learning rate, with optim.lr=interval(LOW,HIGH).
SEARCHED = "optim.lr"
SEARCH: dict[str, Any] = {
    "width": Positive,
    "accuracy": Fraction | None,
    "share": Annotated[float, Field(gt=0, lt=1)],
    "runs": Count,
}

# How norms compute their statistics (conf/statistics/_base.yaml).
STATISTICS: dict[str, Any] = {
    "recompute": Literal["never", "end", "epoch"],
    "examples": Count,
    "freeze": Literal["none", "statistics", "affine", "both"],
    "freeze_from": Natural,
    "modes": list[Literal["running", "batch", "recomputed"]],
}

_common = get_type_hints(Common.__init__, include_extras=True)

# Options that all choices of a group share.
COMMON: dict[str, dict[str, Any]] = {
    "model": {"init": Init, "init_std": Positive},
    "data": {name: hint for name, hint in _common.items() if name != "return"},
    "schedule": {"warmup": Fraction},
}

# Options that cannot change a result: locations and frequencies of measurements. All others are part of a run's id.
# `init_from` and `plugins` enter the id by their content, not their paths.
UNSCIENTIFIC = (
    "init_from", "plugins", "processes", "threads", "device", "graphs", "study", "scale", "output_dir", "log_every",
    "checkpoint_seconds", "when", "launcher", "rerun",
)  # fmt: skip
UNSCIENTIFIC_STATISTICS = ("modes",)
UNSCIENTIFIC_DATA = ("root", "download")

# Options of the optimizer that may differ between runs trained together, like the seed: one value per replica.
FREE = ("lr", "momentum", "weight_decay")
