"""Ratio of a norm's running variance from training to the variance of its input in evaluation."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Variance shift from training to evaluation"
ORDER = 62

_QUANTITY = _views.Quantity("dropout_shift", "ratio of variances\n(≥ 1; 1: no shift)")


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the ratio through training, and by depth at the last look."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("variance shifts", "diagnostics=[light,dropout_shift] and a norm with running variances")
    caption = (
        "Ratio of each norm's running variance to that of its input in evaluation mode, inverted if it is below 1, "
        "mean over channels: the effect of dropout before a norm, or of running averages that lag behind."
    )
    return _views.draw(frame, rows, [_QUANTITY], ("through", "last"), caption)
