"""Gradient norms by depth, for weights and for activations at sites, at initialization and after training."""

import pandas as pd

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import at_one_kind, missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Gradient norm by depth"
ORDER = 40

_QUANTITIES = (
    _views.Quantity("weight_grad_norm", "gradient of the weight,\nL2 norm (nats / its unit)"),
    _views.Quantity("activation_grad_norm", "gradient of the activations,\nL2 norm (nats / their unit)"),
)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw the first and the last look side by side."""
    rows = recorded(frame, "weight_grad_norm", "activation_grad_norm")
    weights = rows["diagnostic"] == "weight_grad_norm"
    sites = at_one_kind(rows[~weights])
    rows = pd.concat([rows[weights], sites])
    if rows.empty:
        return missing("gradient norms by site", "diagnostics=light")
    kind = f" and with respect to the activations at {sites['kind'].iloc[0]} sites" if len(sites) else ""
    caption = (
        f"L2 norm of the mean loss's gradient with respect to each weight{kind}, by depth of the unit "
        f"(mean over those at the same depth)."
    )
    return _views.draw(frame, rows, _QUANTITIES, ("first", "last"), caption)
