"""Histograms of the norms' gains γ and shifts β."""

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.histogram import histogram, histogram_rows
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.norm_affine import by_part, parted
from bnlab.diagnostics.sample import sample, sorted_rows
from bnlab.options import Bins, Moment


class NormAffineHistogram(Diagnostic):
    """Counts over channels of γ (`gain`) and of β (`shift`) in equal bins between the smallest and the largest.

    Bins as in `activation_histogram`, γ and β as in `norm_affine`.
    """

    name = "norm_affine_histogram"
    measures = "counts in equal bins of each norm's gains and shifts, of at most 4096 values"
    unit = "count"
    cost = "sorts the norms' parameters"
    source = "definition"
    table = "histograms"

    def __init__(self, *, when: list[Moment], bins: Bins) -> None:
        self.when = when
        self._bins = bins

    def observe(self, look: Look) -> Named:
        return by_part(look.params, lambda x_NC: histogram(sorted_rows(sample(x_NC)), self._bins))

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        rows = []
        for part, numbers in parted(values).items():
            rows += histogram_rows(step, site, part, numbers)
        return rows
