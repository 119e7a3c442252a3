"""What a claim is about: a number read of the runs of a condition. A new metric is one file, named below.

Unless it says otherwise the runs are those at the condition's best rate, or at the claim's own (`optim.lr`).
"""

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field

from bnlab.studies.metrics.accuracy import Accuracy, Gap, ModeGap
from bnlab.studies.metrics.base import Metric
from bnlab.studies.metrics.diagnostic import Diagnosed
from bnlab.studies.metrics.divergence import DivergedShare
from bnlab.studies.metrics.rates import MaxStableLr, UsableDecades
from bnlab.studies.metrics.target import ToTarget


def _named(value: Any) -> Any:
    """`metric: gap` is `metric: {name: gap}`."""
    return {"name": value} if isinstance(value, str) else value


_Any = MaxStableLr | UsableDecades | Accuracy | Gap | ModeGap | ToTarget | DivergedShare | Diagnosed
AnyMetric = Annotated[_Any, Field(discriminator="name"), BeforeValidator(_named)]

METRICS: dict[str, type[Metric]] = {
    name: kind for kind in get_args(_Any) for name in get_args(kind.model_fields["name"].annotation)
}
