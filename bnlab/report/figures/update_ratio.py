"""Size of an update relative to the size of its weight."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Update-to-weight ratio"
ORDER = 42

_QUANTITY = _views.Quantity("update_ratio", "‖update‖ / ‖weight‖\n(no unit)")


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the ratio through training, and by depth at the last look."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("update-to-weight ratios", "diagnostics=[light,update_ratio]")
    caption = "L2 norm of each weight's update over that of the weight."
    return _views.draw(frame, rows, [_QUANTITY], ("through", "last"), caption)
