"""Alignment of the gradient of a weight with the weight."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Alignment of weight and gradient"
ORDER = 43

_QUANTITY = _views.Quantity("weight_grad_cosine", "cosine of weight\nand gradient (-1 to 1)", log=False)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the first and the last look side by side."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("the alignment of weights and gradients", "diagnostics=[light,weight_alignment]")
    caption = (
        "Cosine between each weight and its gradient, by depth of the unit: 0 if the loss does not depend on the "
        "weight's scale, as before a norm."
    )
    return _views.draw(frame, rows, [_QUANTITY], ("first", "last"), caption)
