"""Piecewise constant learning rate."""

from bnlab.optim.schedules.base import Schedule
from bnlab.options import Fraction, Positive


class Step(Schedule):
    """Step schedule: factor = gamma^k after k of the milestones (fractions of all updates)."""

    name = "step"

    def __init__(self, *, milestones: list[Fraction], gamma: Positive) -> None:
        super().__init__()
        self._milestones, self._gamma = milestones, gamma

    def factor(self, progress: float) -> float:
        return self._gamma ** sum(progress >= m for m in self._milestones)
