"""Metrics: the numbers that claims are about, computed from the runs of a condition.

A new metric is one file, imported below. Unless a metric says otherwise, the runs are those at the best rate of the
condition, or at the rate that the claim names (`optim.lr`).
"""

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field

from bnlab.studies.metrics.accuracy import Accuracy, Gap, ModeGap
from bnlab.studies.metrics.base import Metric
from bnlab.studies.metrics.diagnostic import Diagnosed
from bnlab.studies.metrics.divergence import DivergedShare
from bnlab.studies.metrics.rates import CriticalLr, MaxStableLr, UsableDecades
from bnlab.studies.metrics.target import ToTarget


def _named(value: Any) -> Any:
    """Return `metric: gap` as `metric: {name: gap}`."""
    return {"name": value} if isinstance(value, str) else value


_Any = CriticalLr | MaxStableLr | UsableDecades | Accuracy | Gap | ModeGap | ToTarget | DivergedShare | Diagnosed
AnyMetric = Annotated[_Any, Field(discriminator="name"), BeforeValidator(_named)]

METRICS: dict[str, type[Metric]] = {
    name: kind for kind in get_args(_Any) for name in get_args(kind.model_fields["name"].annotation)
}
