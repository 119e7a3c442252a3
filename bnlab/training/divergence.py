"""Detection of divergence."""

from dataclasses import dataclass
from math import isfinite, nan

LIMIT = 10.0  # times the initial loss
PATIENCE = 20  # steps in a row above the limit


@dataclass
class Divergence:
    """Detector of divergence: the first non-finite loss, or the 20th in a row above 10x the initial loss.

    It receives the loss of every step in order, so the result does not depend on when losses are read.
    """

    initial: float = nan
    streak: int = 0
    diverged_at: int | None = None

    def add(self, step: int, loss: float) -> bool:
        """Add the loss of a step and return whether the run has diverged."""
        if step == 0:
            self.initial = loss
        self.streak = self.streak + 1 if loss > LIMIT * self.initial else 0
        if not isfinite(loss) or self.streak >= PATIENCE:
            self.diverged_at = step
        return self.diverged_at is not None
