"""What a metric is."""

from typing import ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

from bnlab.studies.evidence import Selected
from bnlab.studies.known import Bounds, Known, Undecided


class Metric(BaseModel):
    """Base of the metrics: `measure` reads the number, or says why there is none.

    Attributes:
        exact: whether each seed has a value of its own that is known exactly, as a slope needs it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    exact: ClassVar[bool] = True

    def measure(self, selected: Selected) -> Known:
        raise NotImplementedError


def by_seed(runs: pd.DataFrame, values: "pd.Series[float]", what: str) -> Known:
    """A value a seed."""
    if values.isna().any():
        raise Undecided(f"{int(values.isna().sum())} of {len(runs)} runs have no {what}")
    found: dict[int | None, Bounds] = {
        int(seed): Bounds.exact(float(value)) for seed, value in zip(runs["seed"], values, strict=True)
    }
    return Known(found, len(found), tuple(runs["run_id"]))
