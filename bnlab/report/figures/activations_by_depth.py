"""Scale of activations by depth, with the spread of channels and the saturated and dead units."""

import pandas as pd

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import at_one_kind, missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Activations by depth"
ORDER = 54

_QUANTITIES = (
    _views.Quantity("activation_std", "standard deviation\n(the activation's unit)"),
    _views.Quantity("channel_spread", "spread of channel means\n(the activation's unit)"),
    _views.Quantity("activation_saturation", "saturated outputs\n(share, 0-1)", log=False),
    _views.Quantity("dead_units", "dead units\n(share, 0-1)", log=False),
)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per quantity, the first and the last look side by side."""
    rows = recorded(frame, *(one.diagnostic for one in _QUANTITIES))
    if rows.empty:
        return missing("the scale of activations", "diagnostics=light")
    rows = pd.concat([at_one_kind(some) for _, some in rows.groupby("diagnostic")])
    kinds = rows.groupby("diagnostic")["kind"].first()
    words = {
        "activation_std": "standard deviation of the activations over batch, units and positions",
        "channel_spread": "standard deviation over channels (or units) of their means",
        "activation_saturation": "share of sigmoid or tanh outputs near their bounds",
        "dead_units": "share of units that are 0 for the whole batch",
    }
    parts = [f"{words[one.diagnostic]} ({kinds[one.diagnostic]})" for one in _QUANTITIES if one.diagnostic in kinds]
    listed = "; ".join(parts)
    caption = f"{listed[0].upper()}{listed[1:]}; by depth of the unit, at the sites in brackets."
    return _views.draw(frame, rows, _QUANTITIES, ("first", "last"), caption)
