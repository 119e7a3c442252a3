"""A claim: a metric, whose it is, what it is compared with and what it must come to. The `claims` of an experiment.

    claims:
      - claim: Batch norm stands ten times the learning rate that no norm does
        metric: max_stable_lr                  or {name: epochs_to_target, target: 0.9}: see `bnlab.studies.metrics`
        of: {norm: batch, optim: sgd}          axes and values as in index.csv
        against: {norm: none, optim: sgd}
        ratio: {above: 10}                     or difference, or (without against) value; above, below or both

An axis that the claim does not name is matched: the claim is judged for each of its values. Each condition has its own
best rate unless the claim names `optim.lr`. `order` lists conditions from the highest to the lowest in place of `of`
and `against`. `slope: AXIS` takes in place of the metric its change for each doubling along that axis.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from bnlab.errors import BadInput
from bnlab.report.condition import SEED
from bnlab.studies.metrics import METRICS, AnyMetric
from bnlab.text import nearest

Selection = Mapping[str, bool | int | float | str | None]


class Bound(BaseModel):
    """What a number must lie above, below or between."""

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
    """What the source gives, in its words.

    Attributes:
        verified: whether somebody has checked it against the source itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    value: str
    source: str
    verified: bool

    def __str__(self) -> str:
        return f"{self.value} ({self.source}; {'verified' if self.verified else 'unverified'})"


class Claim(BaseModel):
    """See the head of this file."""

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
                raise ValueError("order stands alone: leave out of, against, ratio, difference and value")
        elif self.of is None:
            raise ValueError("of is missing: the axes and values of the condition, as in {norm: batch}")
        elif len(bounds) != 1:
            raise ValueError("say what it must come to by one of ratio, difference and value, as in ratio: {above: 10}")
        elif (bounds == ["value"]) is not (self.against is None):
            raise ValueError("ratio and difference need against, value has none")
        if self.slope is not None and (not self.metric.exact or self.ratio is not None):
            raise ValueError(f"a slope needs a value a seed: {self.metric.name} has none, nor has a ratio of slopes")
        if self.slope is not None and any(self.slope in side for side in self.sides):
            raise ValueError(f"slope: {self.slope} must stay open, leave it out of the conditions")
        if any(SEED in side for side in self.sides):
            raise ValueError("seed: intervals are over seeds, leave it out of the conditions")
        return self

    @property
    def sides(self) -> tuple[Selection, ...]:
        """The conditions that it names."""
        return self.order or tuple(side for side in (self.of, self.against) if side is not None)

    @property
    def named(self) -> set[str]:
        """The axes that it names."""
        return {name for side in self.sides for name in side}

    @property
    def threshold(self) -> str:
        """What it must come to, in words."""
        for name in ("ratio", "difference", "value"):
            if (bound := getattr(self, name)) is not None:
                return f"{name} {bound}"
        return "each above the next"


def read_claims(listed: Any) -> list[Claim]:
    """The claims of an experiment's yaml.

    Raises:
        BadInput: one of them is wrong: a line that names it, what is wrong and what would be right.
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
    """What pydantic found wrong, in a line."""
    place = [str(part) for part in problem["loc"]]
    if place and place[0] in ("of", "against", "order"):
        several = "list two conditions or more, each" if place[0] == "order" else "be"
        return f"{place[0]} should {several} axes with one value each, as in {{norm: batch}}"
    where = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"{where} is no key of a claim; {nearest(place[-1], _fields(place[:-1]))}"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        given = str(problem["ctx"].get("tag", ""))
        return f"metric {given or 'without a name'} is not known; {nearest(given, METRICS)}"
    if problem["type"] == "missing":
        return f"{where} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _fields(place: Sequence[str]) -> Iterable[str]:
    """The keys that there are at a place of a claim."""
    if not place:
        return Claim.model_fields
    if place[0] == "metric":
        return METRICS[place[1]].model_fields
    return Published.model_fields if place[0] == "published" else Bound.model_fields
