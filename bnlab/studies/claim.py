"""Claims, read from the key `claims` of an experiment: a metric, its condition, a comparison and a threshold.

    claims:
      - claim: Batch norm tolerates ten times the learning rate of no norm
        metric: max_stable_lr                  or {name: epochs_to_target, target: 0.9}: see `bnlab.studies.metrics`
        of: {norm: batch, optim: sgd}          axes and values as in index.csv
        against: {norm: none, optim: sgd}
        ratio: {above: 10}                     or difference, or (without against) value; above, below or both

An axis that the claim does not name is matched: the claim is judged for each of its values. Each condition is measured
at its own best rate unless the claim names `optim.lr`. `order` lists conditions from the highest to the lowest and
replaces `of` and `against`. `slope: AXIS` replaces the metric by its change per doubling along the axis.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from bnlab.errors import BadInput
from bnlab.report.condition import LR, SEED
from bnlab.studies.metrics import METRICS, AnyMetric
from bnlab.text import nearest

Selection = Mapping[str, bool | int | float | str | None]


class Bound(BaseModel):
    """Threshold of a number: a lower bound, an upper bound or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("name a threshold: {above: NUMBER}, {below: NUMBER} or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError("above must be less than below")
        return self

    def __str__(self) -> str:
        if self.above is None or self.below is None:
            return f"above {self.above:g}" if self.below is None else f"below {self.below:g}"
        return f"{self.above:g} to {self.below:g}"


class Published(BaseModel):
    """The published value, in the words of the source.

    Attributes:
        verified: whether someone has checked the value in the source itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    value: str
    source: str
    verified: bool

    def __str__(self) -> str:
        return f"{self.value} ({self.source}; {'verified' if self.verified else 'unverified'})"


class Claim(BaseModel):
    """One claim of an experiment; the docstring of this module describes its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    claim: Annotated[str, Field(min_length=1)]
    metric: AnyMetric
    of: Selection | None = None
    against: Selection | None = None
    order: Annotated[tuple[Selection, ...], Field(min_length=2)] | None = None
    slope: str | None = None
    ratio: Bound | None = None
    difference: Bound | None = None
    value: Bound | None = None
    published: Published | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        bounds = [name for name in ("ratio", "difference", "value") if getattr(self, name) is not None]
        if self.order is not None:
            if bounds or self.of is not None or self.against is not None:
                raise ValueError("order excludes of, against, ratio, difference and value: leave them out")
        elif self.of is None:
            raise ValueError("of is missing: the axes and values of the condition, as in {norm: batch}")
        elif len(bounds) != 1:
            raise ValueError("give the threshold as one of ratio, difference and value, as in ratio: {above: 10}")
        elif (bounds == ["value"]) is not (self.against is None):
            raise ValueError("ratio and difference require against, and value excludes it")
        if self.slope is not None and (not self.metric.exact or self.ratio is not None):
            raise ValueError(
                f"slope needs one value per seed, which {self.metric.name} or a ratio of slopes does not have"
            )
        if self.slope is not None and any(self.slope in side for side in self.sides):
            raise ValueError(f"slope: {self.slope} must vary: leave it out of the conditions")
        if not self.metric.sequential and any(LR in side for side in self.sides):
            raise ValueError("optim.lr: critical_lr is computed from all rates: leave it out of the conditions")
        if not self.metric.sequential and self.difference is not None:
            raise ValueError("difference: critical rates are compared by ratio, as in ratio: {above: 10}")
        if self.is_geometric and min(self.thresholds) <= 0:
            what = "a ratio" if self.ratio is not None else self.metric.name
            raise ValueError(f"{what} is always above 0: give thresholds above 0")
        if any(SEED in side for side in self.sides):
            raise ValueError("seed: intervals are over seeds: leave it out of the conditions")
        return self

    @property
    def sides(self) -> tuple[Selection, ...]:
        """The conditions that the claim names."""
        return self.order or tuple(side for side in (self.of, self.against) if side is not None)

    @property
    def named(self) -> set[str]:
        """The axes that the claim names."""
        return {name for side in self.sides for name in side}

    @property
    def is_geometric(self) -> bool:
        """Whether its effect is judged on logarithms: a ratio, or a positive number such as a time."""
        return self.ratio is not None or (self.metric.positive and self.difference is None)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The numbers that its effect is compared with."""
        bound = self.ratio or self.difference or self.value
        if bound is None:
            return (1.0,) if self.is_geometric else (0.0,)
        return tuple(end for end in (bound.above, bound.below) if end is not None)

    @property
    def threshold(self) -> str:
        """The threshold in words."""
        for name in ("ratio", "difference", "value"):
            if (bound := getattr(self, name)) is not None:
                return f"{name} {bound}"
        return "each above the next"


def read_claims(listed: Any) -> list[Claim]:
    """Return the claims of an experiment's yaml.

    Raises:
        BadInput: a claim is invalid; one line names the claim, the error and the remedy.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise BadInput("claims should be a list, each with claim, metric, of and ratio, difference or value")
    return [_read(number, one) for number, one in enumerate(listed, 1)]


def _read(number: int, one: Any) -> Claim:
    try:
        return Claim.model_validate(one)
    except ValidationError as error:
        words = one.get("claim") if isinstance(one, Mapping) else None
        problem = error.errors()[0]
        raise BadInput(f"claim {number}{f' ({words})' if words else ''}: {_problem(problem)}") from None


def _problem(problem: Any) -> str:
    """Return one line about an error that pydantic found."""
    place = [str(part) for part in problem["loc"]]
    if place and place[0] in ("of", "against", "order"):
        several = "list two or more conditions, each" if place[0] == "order" else "be"
        return f"{place[0]} should {several} axes with one value each, as in {{norm: batch}}"
    where = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"{where} is not a key of a claim; {nearest(place[-1], _fields(place[:-1]))}"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        given = str(problem["ctx"].get("tag", ""))
        return f"metric {given or 'without a name'} is not known; {nearest(given, METRICS)}"
    if problem["type"] == "missing":
        return f"{where} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _fields(place: Sequence[str]) -> Iterable[str]:
    """Return the valid keys at a location within a claim."""
    if not place:
        return Claim.model_fields
    if place[0] == "metric":
        return METRICS[place[1]].model_fields
    return Published.model_fields if place[0] == "published" else Bound.model_fields
