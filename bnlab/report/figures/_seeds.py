"""Statistics of a number over runs that differ in the seed: mean, interval and range."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from bnlab.report.consistency import measured

NOTE = (
    "Line: mean over seeds (geometric on a log axis); band: its 95 % t-interval over seeds (for two seeds, from "
    "the lower to the higher; for one, none). Values that are not finite, or on a log axis not positive, are left out. "
)


def over_seeds(rows: pd.DataFrame, by: Sequence[str], *, log: bool) -> pd.DataFrame:
    """Return n, mean, low, high, least, greatest of `value` over seeds, by `by`; rows of one seed are averaged first.

    low, high: the 95 % t-interval of the mean; for two seeds the two values, because the interval would be twelve times
    as wide as their spread; nan for one seed. least, greatest: range of the seeds.

    Args:
        rows: seed, value and the columns `by`.
        log: compute on logarithms and convert back: geometric means, and an interval that stays positive.

    Values that are not finite, or too large to be `measured` (with `log`: not positive), are left out; if none remains,
    mean is nan and n is 0.
    """
    value = rows["value"].where(measured(rows["value"]))
    if log:
        value = np.log(value.where(value > 0))
    each = rows.assign(value=value).groupby([*by, "seed"], sort=True)["value"].mean()
    found = each.groupby(list(by)).agg(n="count", mean="mean", spread="std", least="min", greatest="max")
    half = t.ppf(0.975, found["n"] - 1) * found["spread"] / np.sqrt(found["n"])
    for name, end, edge in (("low", "least", found["mean"] - half), ("high", "greatest", found["mean"] + half)):
        found[name] = edge.where(found["n"] != 2, found[end])
    numbers = ["mean", "low", "high", "least", "greatest"]
    with np.errstate(over="ignore"):  # the interval of distant seeds may overflow
        found[numbers] = np.exp(found[numbers]) if log else found[numbers]
    return found[["n", *numbers]].reset_index()


def limits(points: pd.DataFrame, *, log: bool) -> tuple[float, float] | None:
    """Return limits that show every seed, but not all of a wide interval; None if there is no number."""
    low, high = float(points["least"].min()), float(points["greatest"].max())
    if not np.isfinite([low, high]).all():
        return None
    if log:
        margin = max((high / low) ** 0.06, 1.15)
        return low / margin, high * margin
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.05
    return low - margin, high + margin
