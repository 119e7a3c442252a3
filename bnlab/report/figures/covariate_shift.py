"""Internal covariate shift by both definitions: of a site's distribution, and of a weight's gradient."""

import pandas as pd

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import at_one_kind, missing, recorded, vanished
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Internal covariate shift"
ORDER = 61

_QUANTITIES = (
    _views.Quantity("site_drift", "drift of a site's distribution\n(standard deviations)"),
    _views.Quantity("gradient_shift", "change of the gradient\n(nats / the weight's unit)"),
    _views.Quantity("gradient_shift_cosine", "cosine of the gradient\nwith the old one (-1 to 1)", log=False),
)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a column per quantity: through training above, by depth at the last look below."""
    rows = recorded(frame, *(one.diagnostic for one in _QUANTITIES))
    if rows.empty:
        return missing("internal covariate shift", "diagnostics=[light,site_drift,gradient_shift]")
    drift = rows["diagnostic"] == "site_drift"
    sites = at_one_kind(rows[drift])
    parts = []
    if len(sites):
        parts.append(f"how far one update moves the distribution at a site ({sites['kind'].iloc[0]})")
    if len(sites) < len(rows):
        parts.append("how one update of all parameters before a weight changes the weight's gradient")
    caption = f"Internal covariate shift: {', and '.join(parts)}. {vanished(frame, rows['place'])}".strip()
    return _views.draw(frame, pd.concat([sites, rows[~drift]]), _QUANTITIES, ("through", "last"), caption)
