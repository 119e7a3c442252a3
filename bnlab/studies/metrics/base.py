"""The base class of metrics."""

from typing import ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

from bnlab.studies.evidence import Selected
from bnlab.studies.quantity import Bounds, Quantity, Undecided


class Metric(BaseModel):
    """Base class of metrics: `measure` returns the number, or raises `Undecided` with the reason.

    Attributes:
        exact: whether each seed has its own, exactly known value, which a slope needs.
        positive: whether it is a positive number, whose mean and interval are those of the logarithms.
        sequential: whether it has a value per seed, so that later looks can add seeds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    exact: ClassVar[bool] = True
    positive: ClassVar[bool] = False
    sequential: ClassVar[bool] = True

    def measure(self, selected: Selected) -> Quantity:
        raise NotImplementedError


def by_seed(
    runs: pd.DataFrame, values: "pd.Series[float]", what: str, rounding: "pd.Series[float] | float" = 0.0
) -> Quantity:
    """Return the values of the runs, one per seed.

    Args:
        what: the name of the value, for the reason.
        rounding: half of the smallest difference between two values, as a share of n examples has 1/(2n). Without it,
            few seeds that happen to agree in rounded values would have an interval of no width.

    Raises:
        Undecided: a run has no value.
    """
    if values.isna().any():
        raise Undecided(f"{int(values.isna().sum())} of {len(runs)} runs have no {what}")
    half = pd.Series(rounding, index=values.index) if isinstance(rounding, float) else rounding
    found = {
        int(seed): Bounds(value, value - by, value + by)
        for seed, value, by in zip(runs["seed"], values, half, strict=True)
    }
    return Quantity(found, tuple(runs["run_id"]))
