"""Mean over seeds with its confidence interval, and the difference of two conditions, paired by seed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import sem, t

LEVEL = 0.05
# Above this, neither a confidence interval nor an axis range can be computed.
LARGEST = 1e100


@dataclass(frozen=True)
class Estimate:
    """Mean of n values and the half-width of its t-interval.

    The half-width is nan for fewer than two values, the mean for none.
    """

    mean: float
    half: float
    n: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


def estimate(values: Iterable[float], level: float = LEVEL) -> Estimate:
    """Return mean ± t(1 - level/2, n - 1) · standard error; nan values (not measured) are left out.

    There is no interval if a value is infinite or too large for a standard error.

    Args:
        level: probability that the interval misses the mean of normal values.
    """
    known = pd.Series(values, dtype="float64").dropna().to_numpy()
    n = len(known)
    bounded = bool((np.abs(known) <= LARGEST).all())
    half = float(t.isf(level / 2, n - 1) * sem(known)) if n > 1 and bounded else math.nan
    with np.errstate(over="ignore", invalid="ignore"):  # losses may be infinite
        return Estimate(float(known.mean()) if n else math.nan, half, n)


def paired(values: pd.Series, reference: pd.Series) -> Estimate:
    """Return the mean of values - reference over the common seeds, and its 95 % t-interval (that of a paired t-test).

    Args:
        values, reference: one number per seed, indexed by seed.
    """
    return estimate(values.sub(reference))
