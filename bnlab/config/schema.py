"""The options outside any one model, norm or data set: their types and bounds. Defaults: conf/config.yaml."""

from typing import Any, Literal, get_type_hints

from bnlab.data.common import Common
from bnlab.options import Count, Fraction, Init, Moment, Natural, NonNegative, Positive, Workers

GROUPS = ("model", "norm", "placement", "statistics", "data", "optim", "schedule", "diagnostics")

RUN: dict[str, Any] = {
    "seed": Natural,
    "epochs": Count,
    "steps": Count | None,
    "accumulate": Count,
    "clip": Positive | None,
    "precision": Literal["float32", "float64", "bfloat16"],
    "init_from": str | None,
    "freeze": list[str],
    "plugins": list[str],
    "threads": Workers | None,
    "device": Literal["auto", "cpu", "cuda"],
    "study": str | None,
    "scale": str | None,
    "output_dir": str,
    "log_every": Count,
    "checkpoint_seconds": NonNegative,
    "when": list[Moment] | None,
    "rerun": bool,
    "launcher": Literal["auto", "serial", "processes", "fused"],
}

# How a sweep is carried out (conf/config.yaml); nothing of it can change a number.
SWEEP: dict[str, Any] = {
    "retry": Literal["none", "failed"],
    "fail_fast": bool,
    "workers": Workers | None,
    "pack_size": Count | None,
    "max_runs": Count,
}

# How norms come by their statistics (conf/statistics/_base.yaml).
STATISTICS: dict[str, Any] = {
    "recompute": Literal["never", "end", "epoch"],
    "examples": Count,
    "freeze": Literal["none", "statistics", "affine", "both"],
    "freeze_from": Natural,
    "modes": list[Literal["running", "batch", "recomputed"]],
}

_common = get_type_hints(Common.__init__, include_extras=True)

# Options that every choice of a group has beside its own.
COMMON: dict[str, dict[str, Any]] = {
    "model": {"init": Init, "init_std": Positive},
    "data": {name: hint for name, hint in _common.items() if name != "return"},
    "schedule": {"warmup": Fraction},
}

# What cannot change a number: where things lie and how often one looks. Everything else is part of a run's identity.
# `init_from` and `plugins` enter the identity by what they are, not by where they lie.
UNSCIENTIFIC = (
    "init_from", "plugins", "threads", "device", "study", "scale", "output_dir", "log_every", "checkpoint_seconds",
    "when", "launcher", "rerun",
)  # fmt: skip
UNSCIENTIFIC_STATISTICS = ("modes",)
UNSCIENTIFIC_DATA = ("root", "download")

# Options of the optimizer that runs trained together may differ in, as in their seed: the update takes one a replica.
FREE = ("lr", "momentum", "weight_decay")
