"""Cosine annealing."""

from math import cos, pi

from bnlab.optim.schedules.base import Schedule
from bnlab.options import Fraction


class Cosine(Schedule):
    """Cosine schedule: factor = final + (1 − final)·(1 + cos(π·progress))/2 (Loshchilov & Hutter 2017, no restarts)."""

    name = "cosine"

    def __init__(self, *, final: Fraction) -> None:
        super().__init__()
        self._final = final

    def factor(self, progress: float) -> float:
        return self._final + (1 - self._final) * (1 + cos(pi * progress)) / 2
