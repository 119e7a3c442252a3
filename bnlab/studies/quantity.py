"""Numbers with bounds, per seed, or with a posterior distribution; their ratios, differences and intervals.

A measured accuracy is known exactly. The epoch in which a target was reached is between two evaluations; for a run that
never reached it, only a lower bound is known. A limit read from a grid of rates is between two of its rates, and an
accuracy is a share of so many examples. Therefore every number here has bounds, which ratios and differences propagate.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from bnlab.report.stats import LEVEL, Posterior, estimate


class Undecided(Exception):
    """Raised with the reason if a claim cannot be judged."""


@dataclass(frozen=True)
class Bounds:
    """A number with a lower and an upper bound.

    Attributes:
        least, most: whether the value itself is only a lower or an upper bound, as for a run that never reached its
            target or a range that extends to the end of the grid.
    """

    value: float
    low: float
    high: float
    least: bool = False
    most: bool = False

    @classmethod
    def exact(cls, value: float) -> "Bounds":
        return cls(value, value, value)


@dataclass(frozen=True)
class Quantity:
    """The value of a metric for a condition.

    Attributes:
        by_seed: one number per seed; empty if the value has a posterior instead.
        runs: the run_ids of the runs it was computed from.
        posterior: the distribution of log10 of the value, from all runs together.
        least, most: whether the data bound the posterior only from below, or only from above.
    """

    by_seed: Mapping[int, Bounds]
    runs: tuple[str, ...]
    posterior: Posterior | None = None
    least: bool = False
    most: bool = False

    @property
    def n(self) -> int:
        """The number of seeds it was computed from; for a posterior, of runs."""
        return len(self.by_seed) if self.posterior is None else len(self.runs)


@dataclass(frozen=True)
class Effect:
    """A number with its interval over seeds, widened by the bounds of the values, or with that of a posterior.

    Attributes:
        n: what it was computed from: number of seeds, or of runs.
        sign: "≥" or "≤" if the number itself is only a bound, else "".
    """

    value: float
    low: float
    high: float
    n: int
    sign: str = ""
    unit: Literal["seeds", "runs"] = "seeds"


def ratio(a: Quantity, b: Quantity) -> Quantity:
    """Return a / b, paired by seed; for posteriors, of independent values."""
    if a.posterior is not None and b.posterior is not None:
        return Quantity({}, _runs(a, b), a.posterior.minus(b.posterior), a.least or b.most, a.most or b.least)

    def one(x: Bounds, y: Bounds) -> Bounds:
        if x.value <= 0 or y.value <= 0:
            raise Undecided("a ratio needs positive values")
        high = x.high / y.low if y.low > 0 else math.inf
        return Bounds(x.value / y.value, x.low / y.high, high, *_open(x, y))

    return _paired(a, b, one)


def difference(a: Quantity, b: Quantity) -> Quantity:
    """Return a - b, paired by seed."""
    return _paired(a, b, lambda x, y: Bounds(x.value - y.value, x.low - y.high, x.high - y.low, *_open(x, y)))


def _open(x: Bounds, y: Bounds) -> tuple[bool, bool]:
    """Return whether the value of a function that rises with x and falls with y is only a lower, or an upper bound."""
    return x.least or y.most, x.most or y.least


def _paired(a: Quantity, b: Quantity, one: Callable[[Bounds, Bounds], Bounds]) -> Quantity:
    seeds = [seed for seed in a.by_seed if seed in b.by_seed]
    return Quantity({seed: one(a.by_seed[seed], b.by_seed[seed]) for seed in seeds}, _runs(a, b))


def _runs(a: Quantity, b: Quantity) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*a.runs, *b.runs)))


def effect(quantity: Quantity, *, geometric: bool = False, level: float = LEVEL) -> Effect:
    """Return the mean over seeds with its t-interval, or the median of the posterior with its central interval.

    Args:
        geometric: compute the mean and the interval of the logarithms (for ratios and times).
        level: probability that the interval misses the value.

    Raises:
        Undecided: there are fewer than two seeds, or the value is unbounded on both sides.
    """
    if quantity.posterior is not None:
        return _of_posterior(quantity, quantity.posterior, level)
    if quantity.n < 2:
        raise Undecided(
            f"{quantity.n} {'seed' if quantity.n == 1 else 'seeds'} with a result, but at least two are needed"
        )
    bounds = quantity.by_seed.values()
    bottom = 0.0 if geometric else -math.inf
    if any(one.low == bottom for one in bounds) and any(one.high == math.inf for one in bounds):
        raise Undecided(
            "the runs bound it on neither side: what it compares was not reached, or has no end in the grid"
        )
    least, most = any(one.least for one in bounds), any(one.most for one in bounds)
    into, back = (_log, math.exp) if geometric else (float, float)
    mean = estimate(into(one.value) for one in bounds).mean
    lows, highs = [into(one.low) for one in bounds], [into(one.high) for one in bounds]
    low = estimate(lows, level).low if all(map(math.isfinite, lows)) else -math.inf
    high = estimate(highs, level).high if all(map(math.isfinite, highs)) else math.inf
    return Effect(back(mean), back(low), back(high), quantity.n, _sign(least, most))


def _of_posterior(quantity: Quantity, posterior: Posterior, level: float) -> Effect:
    if quantity.least and quantity.most:
        raise Undecided("the runs bound it on neither side: both critical rates are beyond the rates that were tried")
    low, high = posterior.interval(level)
    median = float(posterior.quantile(0.5)[()])
    ends = (0.0 if quantity.most else 10**low, math.inf if quantity.least else 10**high)
    return Effect(10**median, *ends, quantity.n, _sign(quantity.least, quantity.most), "runs")


def _sign(least: bool, most: bool) -> str:
    return "≥" if least and not most else "≤" if most and not least else ""


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
