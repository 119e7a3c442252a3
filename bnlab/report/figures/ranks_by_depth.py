"""Similarity of a batch's examples by depth, and the number of directions that they span."""

from bnlab.report.figures import _views
from bnlab.report.figures._recorded import at_one_kind, missing, recorded
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Ranks by depth"
ORDER = 53

_QUANTITIES = (
    _views.Quantity("stable_rank", "stable rank\n(directions)"),
    _views.Quantity("soft_rank", "soft rank\n(directions)"),
    _views.Quantity("soft_rank_unscaled", "soft rank, unscaled\n(directions)"),
    _views.Quantity("mean_cosine", "mean cosine of\ntwo examples (-1 to 1)", log=False),
)


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a row per quantity, the first and the last look side by side."""
    rows = at_one_kind(recorded(frame, *(one.diagnostic for one in _QUANTITIES)))
    if rows.empty:
        return missing("ranks of activations", "diagnostics=[light,activation_geometry]")
    caption = (
        f"Geometry of a batch's examples, each scaled to length 1 unless labelled unscaled, by depth of the unit, at "
        f"{rows['kind'].iloc[0]} sites: a rank of 1 means that all are parallel, a mean cosine of 0 that two are at "
        f"right angles on average."
    )
    return _views.draw(frame, rows, _QUANTITIES, ("first", "last"), caption)
