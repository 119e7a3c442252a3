"""Definitions of the numbers of a report, as pure functions of tables. Intervals are 95 %, over seeds.

Reading runs and sorting them into conditions is in `bnlab.report`; drawing is in its `figures` and `tables`.
"""

from bnlab.report.stats.cell import ROUNDING, Cell, cells
from bnlab.report.stats.critical import Critical, Outcomes, Posterior, critical, outcomes, posterior
from bnlab.report.stats.estimate import LEVEL, Estimate, estimate, paired
from bnlab.report.stats.looks import levels
from bnlab.report.stats.sensitivity import Edge, End, Sensitivity, learning_threshold, sensitivity
from bnlab.report.stats.target import Target, first_reached, seconds_at, time_to_target

__all__ = [
    "LEVEL", "ROUNDING", "Cell", "Critical", "Edge", "End", "Estimate", "Outcomes", "Posterior", "Sensitivity",
    "Target", "cells", "critical", "estimate", "first_reached", "learning_threshold", "levels", "outcomes", "paired",
    "posterior", "seconds_at", "sensitivity", "time_to_target",
]  # fmt: skip
