"""Learning rates of a grid, which conditions share, and of a search, which tries most of its rates once."""

from collections import Counter

import numpy as np
import pandas as pd

from bnlab.report.stats import Critical, critical, learning_threshold, outcomes

_MOST_RATES = 16  # rates in panels or columns
_LONGEST_GRID = 32


def in_panels(runs: pd.DataFrame) -> list[float]:
    """Return the rates that panels and columns show: all of a grid, else 16 that most conditions share.

    Most rates of a grid belong to half of the conditions or more; a search tries dozens, most for one condition.
    """
    rates = sorted(set(runs["lr"].tolist()))
    if len(rates) <= _MOST_RATES:
        return rates
    conditions = runs.groupby("lr")["condition"].nunique()
    if len(rates) <= _LONGEST_GRID and 2 * conditions.median() >= runs["condition"].nunique():
        return rates
    shared = sorted(conditions[conditions == conditions.max()].index.tolist())
    if len(shared) == 1:
        shared = rates
    places = np.linspace(0, len(shared) - 1, min(len(shared), _MOST_RATES)).round().astype(int)
    return [shared[place] for place in places]


def of_grid(runs: pd.DataFrame) -> set[float]:
    """Return the rates of a condition's grid, in a study with a search; none if it has no grid.

    A grid has its seeds at each rate; a search gives each of its runs a seed of its own. So the two seeds that are at
    most rates (of equals, the lowest) are together at the rates of a grid only.
    """
    seeds = {rate: set(runs.loc[runs["lr"] == rate, "seed"]) for rate in sorted(set(runs["lr"].tolist()))}
    count = Counter(seed for mine in seeds.values() for seed in mine)
    common = set(sorted(count, key=lambda seed: (-count[seed], seed))[:2])
    return {rate for rate, mine in seeds.items() if common <= mine} if len(common) > 1 else set()


def critical_rates(runs: pd.DataFrame, classes: int | None) -> tuple[Critical | None, Critical | None]:
    """Return the upper and the lower critical rate of a condition; None without runs at several rates that work."""
    ended = runs[runs["status"].isin(["complete", "diverged"])]
    if ended["lr"].nunique() < 2:
        return None, None
    found = outcomes(ended, 0.0 if classes is None else learning_threshold(classes))
    return critical(found), critical(found, end="lower")
