"""Distance of the running averages of norms from the statistics of the batch."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Running averages against the batch's statistics"
ORDER = 60

_QUANTITIES = (
    _views.Quantity("mean_drift", "drift of the mean\n(standard deviations)"),
    _views.Quantity("variance_drift", "drift of the variance\n(|ln of the ratio|)"),
)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per drift: through training, and by depth at the last look."""
    rows = recorded(frame, *(one.diagnostic for one in _QUANTITIES))
    if rows.empty:
        return missing(
            "the drift of running averages", "diagnostics=[light,norm_drift] and a norm with running averages"
        )
    caption = (
        "Distance of each norm's running averages from the statistics of the batch, before the batch is averaged in: "
        "mean over channels of |running mean - batch mean| / batch standard deviation and of "
        "|ln(running variance / batch variance)|."
    )
    return _views.draw(frame, rows, _QUANTITIES, ("through", "last"), caption)
