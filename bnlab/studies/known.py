"""What is known of a number: where it lies, for each seed or for all together; ratios, differences, intervals.

A measured accuracy is known exactly; the epoch in which a target was reached lies between two evaluations; of a run
that never got there one knows that it would have taken longer; a rate read off a grid lies between two of its rates.
So every number here has bounds, and what is computed from several keeps them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bnlab.report.stats import estimate


class Undecided(Exception):
    """A claim cannot be judged, and why."""


@dataclass(frozen=True)
class Bounds:
    """A number with what it cannot lie below and above.

    Attributes:
        least, most: the value itself is such a bound: of a run that never got there, of a range that the grid ends.
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
class Known:
    """What was read of a condition.

    Attributes:
        by_seed: one number a seed; of what is read off the grid of rates, one under None for all seeds together.
        n: seeds behind it.
        runs: run_ids behind it.
    """

    by_seed: Mapping[int | None, Bounds]
    n: int
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Effect:
    """A number with its interval: 95 % over seeds, and as wide as the bounds of what it was computed from.

    Attributes:
        sign: "≥" or "≤" where the number itself is but a bound, or else "".
    """

    value: float
    low: float
    high: float
    n: int
    sign: str = ""


def ratio(a: Known, b: Known) -> Known:
    """a / b, seed by seed."""

    def one(x: Bounds, y: Bounds) -> Bounds:
        if x.value <= 0 or y.value <= 0:
            raise Undecided("a ratio needs values above 0")
        high = x.high / y.low if y.low > 0 else math.inf
        return Bounds(x.value / y.value, x.low / y.high, high, *_open(x, y))

    return _paired(a, b, one)


def difference(a: Known, b: Known) -> Known:
    """a - b, seed by seed."""
    return _paired(a, b, lambda x, y: Bounds(x.value - y.value, x.low - y.high, x.high - y.low, *_open(x, y)))


def _open(x: Bounds, y: Bounds) -> tuple[bool, bool]:
    """Whether what rises with x and falls with y is at least, or at most, what it is measured as."""
    return x.least or y.most, x.most or y.least


def _paired(a: Known, b: Known, one: Callable[[Bounds, Bounds], Bounds]) -> Known:
    seeds = [seed for seed in a.by_seed if seed in b.by_seed]
    found = {seed: one(a.by_seed[seed], b.by_seed[seed]) for seed in seeds}
    n = min(a.n, b.n) if None in found else len(found)
    return Known(found, n, tuple(dict.fromkeys((*a.runs, *b.runs))))


def effect(known: Known, *, geometric: bool = False) -> Effect:
    """Mean over seeds with its 95 % t-interval; what is read off the grid keeps its bounds.

    Args:
        geometric: of ratios: the mean and the interval are those of the logarithms.

    Raises:
        Undecided: fewer than two seeds, or nothing bounds it on either side.
    """
    if known.n < 2:
        raise Undecided(f"{known.n} {'seed' if known.n == 1 else 'seeds'} with a result, and two are the least")
    bounds = known.by_seed.values()
    bottom = 0.0 if geometric else -math.inf
    if any(one.low == bottom for one in bounds) and any(one.high == math.inf for one in bounds):
        if None in known.by_seed:
            raise Undecided("the runs bound it on neither side: what it compares is usable up to the end of the grid")
        raise Undecided("the runs bound it on neither side: what it compares was not reached")
    least, most = any(one.least for one in bounds), any(one.most for one in bounds)
    sign = "≥" if least and not most else "≤" if most and not least else ""
    if None in known.by_seed:
        whole = known.by_seed[None]
        return Effect(whole.value, whole.low, whole.high, known.n, sign)
    into, back = (_log, math.exp) if geometric else (float, float)
    mean = estimate(into(one.value) for one in bounds).mean
    lows, highs = [into(one.low) for one in bounds], [into(one.high) for one in bounds]
    low = estimate(lows).low if all(map(math.isfinite, lows)) else -math.inf
    high = estimate(highs).high if all(map(math.isfinite, highs)) else math.inf
    return Effect(back(mean), back(low), back(high), known.n, sign)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
