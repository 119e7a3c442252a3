"""Training loss through training."""

from bnlab.report.figures import _curves
from bnlab.report.frame import Frame
from bnlab.report.parts import Drawn, Missing

TITLE = "Training loss"
ORDER = 20


def draw(frame: Frame) -> Drawn | Missing:
    """Training loss (nats per example) by step, log scale."""
    return _curves.draw(frame, "loss", "training loss")
