"""Options of launcher=slurm, and checks of those that exclude each other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from bnlab.config.slurm import SLURM
from bnlab.config.validate import Config
from bnlab.errors import BadInput


@dataclass(frozen=True)
class Options:
    """Options of launcher=slurm (conf/config.yaml)."""

    workers: int | None
    time: str | None
    partition: str | None
    gpus: int | None
    sbatch: tuple[str, ...]
    wait: bool

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the options of a config.

        Raises:
            BadInput: they exclude each other.
        """
        asked: dict[str, Any] = {key: config.sweep[key] for key in ("workers", "time", "partition", "gpus", "wait")}
        options = cls(**asked, sbatch=tuple(config.sweep["sbatch"]))
        if options.gpus is not None and config.run["device"] == "cpu":
            raise BadInput(f"sweep.gpus={options.gpus} asks for GPUs, and device=cpu uses none: leave one out")
        if options.gpus is not None and (own := [one for one in options.sbatch if one.startswith(("--gres", "--gpu"))]):
            raise BadInput(f"sweep.gpus={options.gpus} and {own[0]} in sweep.sbatch both ask for GPUs: leave one out")
        return options


def check(config: Config, given: Collection[str]) -> None:
    """Check the options of a sweep.

    Args:
        given: keys of the overrides on the user's command line; a yaml may hold options for several launchers.

    Raises:
        BadInput: they exclude each other.
    """
    launcher = config.run["launcher"]
    if launcher == "slurm":
        Options.of(config)
    elif idle := sorted(set(given) & set(SLURM)):
        raise BadInput(f"{idle[0]} is given, and launcher={launcher}: add launcher=slurm, or leave it out")


def unawaited(config: Config) -> str:
    """Return the option by which a sweep returns before its runs are trained; "" if it does not."""
    if config.run["launcher"] == "slurm":
        return "" if config.sweep["wait"] else "sweep.wait=false"
    return "launcher=none" if config.run["launcher"] == "none" else ""
