"""Constant learning rate."""

from bnlab.optim.schedules.base import Schedule


class Constant(Schedule):
    """Constant schedule: factor = 1."""

    name = "constant"

    def factor(self, progress: float) -> float:  # noqa: ARG002
        return 1.0
