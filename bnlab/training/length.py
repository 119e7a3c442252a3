"""Length of training, and the steps at which something is due."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Length:
    """Length of training and frequency of measurements.

    Attributes:
        updates: total number of updates.
        per_epoch: updates per pass over the training split.
        warmup: share of all updates over which the learning rate rises from 0.
        log_every: updates between rows of steps.csv.
        checkpoint_seconds: seconds between checkpoints; one is always written at the end.
    """

    updates: int
    per_epoch: int
    batch_size: int
    accumulate: int
    warmup: float
    log_every: int
    checkpoint_seconds: float

    def is_logged(self, step: int) -> bool:
        """Return whether a step gets a row of steps.csv."""
        return step % self.log_every == 0 or step == self.updates

    def is_due(self, moments: Sequence[str | int], step: int) -> bool:
        """Return whether a diagnostic with these moments (`bnlab.options.Moment`) is due at a step."""
        return any(
            (moment == "init" and step == 0)
            or (moment == "last" and step == self.updates)
            or (moment == "epoch" and step > 0 and step % self.per_epoch == 0)
            or (moment == "log" and step > 0 and step & (step - 1) == 0)
            or (isinstance(moment, int) and step % moment == 0)
            for moment in moments
        )

    def examples(self, step: int, n_train: int) -> int:
        """Return how many training examples precede the update at a step; the last batch of an epoch may be smaller.

        Args:
            n_train: the size of the training split.
        """
        epoch, index = divmod(step, self.per_epoch)
        group = self.accumulate * self.batch_size
        return epoch * min(self.per_epoch * group, n_train) + index * group
