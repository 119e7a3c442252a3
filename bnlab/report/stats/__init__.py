"""What the numbers of a report mean, as pure functions of tables. Intervals are 95 %, over seeds."""

from bnlab.report.stats.cell import ROUNDING, Cell, cells
from bnlab.report.stats.estimate import Estimate, estimate, paired
from bnlab.report.stats.sensitivity import Edge, End, Sensitivity, learning_threshold, sensitivity
from bnlab.report.stats.target import Target, first_reached, seconds_at, time_to_target

__all__ = [
    "ROUNDING", "Cell", "Edge", "End", "Estimate", "Sensitivity", "Target", "cells", "estimate", "first_reached",
    "learning_threshold", "paired", "seconds_at", "sensitivity", "time_to_target",
]  # fmt: skip
