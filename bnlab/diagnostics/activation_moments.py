"""Mean, standard deviation, minimum and maximum of a site's activations."""

from typing import ClassVar

from bnlab.diagnostics.base import Diagnostic, Numbers, Row, named_rows
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment


class ActivationMoments(Diagnostic):
    """Moments over all examples, features and positions of the batch; the standard deviation is biased.

    Unit: that of the activation. NaN propagates.
    """

    name = "activation_moments"
    measures = "mean, standard deviation, minimum and maximum at each site"
    unit = "the activation's"
    cost = "a few passes over the activations"
    source = "definition"
    writes: ClassVar = {"activation_mean": "", "activation_std": "", "activation_min": "", "activation_max": ""}
    at = ("site",)

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        return look.summaries

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return named_rows(step, site, self.writes, values.tolist())
