"""Histogram of each weight's gradient."""

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.histogram import histogram, histogram_rows
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.sample import sample, sorted_rows
from bnlab.options import Bins, Moment


class WeightGradHistogram(Diagnostic):
    """Counts of the elements of ∂L/∂W in equal bins between the smallest and largest finite one, as in numpy.histogram.

    Over at most 4096 elements of a weight (`sample.SAMPLE`), spread evenly; those that are not finite are not counted.
    Before clipping and weight decay; weights as in `weight_grad_norm`.
    """

    name = "weight_grad_histogram"
    measures = "counts in equal bins of each weight's gradient, of at most 4096 values"
    unit = "count"
    cost = "sorts 4096 values per weight"
    source = "definition"
    table = "histograms"

    def __init__(self, *, when: list[Moment], bins: Bins) -> None:
        self.when = when
        self._bins = bins

    def observe(self, look: Look) -> Named:
        return each(look.weight_grads, lambda g_Nn: histogram(sorted_rows(sample(g_Nn)), self._bins))

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return histogram_rows(step, site, "weight_grad", values)
