"""Histogram of a site's activations."""

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.histogram import histogram, histogram_rows
from bnlab.diagnostics.look import Look
from bnlab.options import Bins, Moment


class ActivationHistogram(Diagnostic):
    """Counts in equal bins between the smallest and largest finite value, the last bin closed, as in numpy.histogram.

    Over at most 4096 values of a site (`sample.SAMPLE`), spread evenly over batch, units and positions. Values that are
    not finite are not counted, so the counts may sum to less than the number of values. The bins of a constant site
    have total width 1 around its value.
    """

    name = "activation_histogram"
    measures = "counts in equal bins at each site, of at most 4096 values"
    unit = "count"
    cost = "sorts 4096 values per site, once for all diagnostics that need them"
    source = "definition"
    table = "histograms"

    def __init__(self, *, when: list[Moment], bins: Bins) -> None:
        self.when = when
        self._bins = bins

    def observe(self, look: Look) -> Named:
        return each(look.samples, lambda sorted_Nn: histogram(sorted_Nn, self._bins))

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return histogram_rows(step, site, "activation", values)
