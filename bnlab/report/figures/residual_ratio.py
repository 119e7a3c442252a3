"""Variance that each residual branch adds to its skip connection."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Residual branch against skip"
ORDER = 55

_QUANTITY = _views.Quantity("residual_ratio", "Var(branch) / Var(skip)")


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the first and the last look side by side."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("residual branches", "diagnostics=[light,residual_ratio] and a residual net")
    caption = "Variance of the branch over that of the skip at each residual sum, by depth of the block."
    return _views.draw(frame, rows, [_QUANTITY], ("first", "last"), caption)
