"""Gradient norm with respect to the hidden state through time, in recurrent nets."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Gradient through time"
ORDER = 41

_QUANTITY = _views.Quantity("grad_through_time", "gradient of the hidden state,\nL2 norm (nats / its unit)")


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the first and the last look side by side, for the last layer."""
    rows = recorded(frame, _QUANTITY.diagnostic)
    if rows.empty:
        return missing("gradients through time", "diagnostics=[light,grad_through_time] and a recurrent net")
    deepest = rows.groupby("run_id")["depth"].transform("max")
    rows = rows[rows["depth"] == deepest]
    caption = (
        "L2 norm of the mean loss's gradient with respect to the hidden state at each time step, ‖∂L/∂h_t‖ (of the "
        "last layer, if there are several)."
    )
    return _views.draw(frame, rows, [_QUANTITY], ("first", "last"), caption, ("index", "time step t"))
