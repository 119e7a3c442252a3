"""A schedule: a factor of the learning rate as a function of training progress."""

from typing import ClassVar


class Schedule:
    """Base class of schedules; options are keyword-only arguments without defaults (the yaml holds those).

    A schedule that depends on evaluations keeps its state in `state`, which checkpoints include.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.state: dict[str, float] = {}

    def factor(self, progress: float) -> float:
        """Return the factor after this fraction of all updates (0 at initialization, 1 at the end)."""
        raise NotImplementedError

    def evaluated(self, val_loss: float) -> None:
        """Update the state after an evaluation on the validation split."""


def warm(progress: float, warmup: float) -> float:
    """Return the factor of linear warm-up, which rises from 0 to 1 while progress goes from 0 to `warmup`.

    Callers pass the progress at the end of the update, because the first update would otherwise have rate 0.
    """
    return min(1.0, progress / warmup) if warmup > 0 else 1.0
