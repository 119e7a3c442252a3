"""A schedule: what multiplies the learning rate, as a function of how far training has come."""

from typing import ClassVar


class Schedule:
    """Base of the schedules; options are keyword-only arguments without defaults (the yaml holds those).

    A schedule that learns from evaluations keeps what it knows in `state`, which a checkpoint carries.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.state: dict[str, float] = {}

    def factor(self, progress: float) -> float:
        """The multiplier after this share of all updates (0 at initialization, 1 at the end)."""
        raise NotImplementedError

    def evaluated(self, val_loss: float) -> None:
        """Take note of an evaluation on the validation split."""


def warm(progress: float, warmup: float) -> float:
    """Linear warm-up: rises from 0 to 1 while progress goes from 0 to `warmup`.

    The first update of all would have rate 0; callers pass the progress at the update's end.
    """
    return min(1.0, progress / warmup) if warmup > 0 else 1.0
