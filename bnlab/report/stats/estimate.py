"""A mean over seeds with its interval, and the difference of two conditions, paired by seed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import sem, t

# Beyond, neither the interval of several numbers nor an axis that holds them can be computed.
LARGEST = 1e100


@dataclass(frozen=True)
class Estimate:
    """Mean of n values and the half-width of its 95 % t-interval, nan for fewer than two values (mean: than one)."""

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


def estimate(values: Iterable[float]) -> Estimate:
    """Mean ± t(0.975, n - 1) · standard error; values that are nan (not measured) are not counted.

    Where one is infinite, or too large for a standard error, there is no interval.
    """
    known = pd.Series(values, dtype="float64").dropna().to_numpy()
    n = len(known)
    bounded = bool((np.abs(known) <= LARGEST).all())
    half = float(t.ppf(0.975, n - 1) * sem(known)) if n > 1 and bounded else math.nan
    with np.errstate(over="ignore", invalid="ignore"):  # of infinite losses
        return Estimate(float(known.mean()) if n else math.nan, half, n)


def paired(values: pd.Series, reference: pd.Series) -> Estimate:
    """Mean of values - reference over the seeds that both have, and its 95 % t-interval (a paired t-test's).

    Args:
        values, reference: a number a seed, the seed as index.
    """
    return estimate(values.sub(reference))
