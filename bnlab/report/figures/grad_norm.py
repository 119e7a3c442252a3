"""Global gradient norm through training."""

from bnlab.report.figures import _curves
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Gradient norm"
ORDER = 30


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the global L2 norm of the mean loss's gradient (before clipping and weight decay) by step, log scale."""
    return _curves.draw(frame, "grad_norm", "global gradient norm")
