"""Reduce on plateau."""

from math import inf

from bnlab.optim.schedules.base import Schedule
from bnlab.options import Fraction, Natural


class Plateau(Schedule):
    """Reduction on plateau: factor is multiplied by `gamma` when the validation loss stops improving.

    This takes more than `patience` evaluations in a row without a loss below (1 − threshold) times the best (PyTorch's
    ReduceLROnPlateau with a relative threshold).
    """

    name = "plateau"

    def __init__(self, *, gamma: Fraction, patience: Natural, threshold: Fraction) -> None:
        super().__init__()
        self._gamma, self._patience, self._threshold = gamma, patience, threshold
        self.state = {"factor": 1.0, "best": inf, "waited": 0}

    def factor(self, progress: float) -> float:  # noqa: ARG002
        return self.state["factor"]

    def evaluated(self, val_loss: float) -> None:
        state = self.state
        if val_loss < state["best"] * (1 - self._threshold):
            state["best"], state["waited"] = val_loss, 0
            return
        state["waited"] += 1
        if state["waited"] > self._patience:
            state["factor"] *= self._gamma
            state["waited"] = 0
