"""How far the variance that a norm remembers of training is from what it meets in evaluation."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.parts import Drawn, Missing

TITLE = "Variance shift from training to evaluation"
ORDER = 62

_QUANTITY = _views.Quantity("dropout_shift", "ratio of variances\n(1: none, or more)")


def draw(frame: Frame) -> Drawn | Missing:
    """Through training, and by depth at the last look."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("variance shifts", "diagnostics=[light,dropout_shift] and a norm that keeps running variances")
    caption = (
        "Ratio of each norm's running variance to that of its input in evaluation mode, whichever way it is above 1, "
        "mean over channels: what dropout in front of a norm, or running averages that lag behind, do."
    )
    return _views.draw(frame, rows, [_QUANTITY], ("through", "last"), caption)
