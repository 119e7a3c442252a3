"""Histogram of what passes a site."""

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named, each
from bnlab.diagnostics.histogram import histogram, histogram_rows
from bnlab.diagnostics.look import Look
from bnlab.options import Bins, Moment


class ActivationHistogram(Diagnostic):
    """Counts in equal bins between the smallest and the largest finite value, the last bin closed: numpy.histogram.

    Of at most 4096 values of a site (`sample.SAMPLE`), spread evenly over batch, units and positions. Values that are
    not finite are counted nowhere, so the counts add up to fewer than the values. A constant site gets bins of total
    width 1 around its value.
    """

    name = "activation_histogram"
    measures = "counts in equal bins at each site, of at most 4096 values"
    unit = "count"
    cost = "sorts 4096 values a site, once for all diagnostics that need it"
    source = "definition"
    table = "histograms"

    def __init__(self, *, when: list[Moment], bins: Bins) -> None:
        self.when = when
        self._bins = bins

    def observe(self, look: Look) -> Named:
        return each(look.samples, lambda sorted_Nn: histogram(sorted_Nn, self._bins))

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return histogram_rows(step, site, "activation", values)
