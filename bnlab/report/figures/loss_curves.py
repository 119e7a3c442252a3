"""Training loss through training."""

from bnlab.report.figures import _curves
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Training loss"
ORDER = 20


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the training loss (nats per example, or squared error) by step, log scale."""
    regression = {frame.classes(place) is None for place in frame.finished}
    unit = " or ".join("squared error" if task else "nats per example" for task in sorted(regression))
    return _curves.draw(frame, "loss", "training loss", unit)
