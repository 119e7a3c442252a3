"""Search for the critical learning rate: which rates to try next."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnlab.report.stats import Critical, Outcomes, critical

PACK = 8  # rates that are tried together
VERIFY = 4  # rates above the interval at which a search looks for rates that work again


@dataclass(frozen=True)
class Search:
    """Search between two rates.

    Attributes:
        low, high: log10 of the ends of the range.
        width: decades of the 95 % interval at which the search ends.
        share: of the runs that go wrong at the critical rate.
        runs: most runs.
    """

    low: float
    high: float
    width: float
    share: float
    runs: int

    @classmethod
    def of(cls, low: float, high: float, options: Mapping[str, Any]) -> "Search":
        """Return the search in a range of rates with the options of `search` (conf/config.yaml)."""
        return cls(math.log10(low), math.log10(high), options["width"], options["share"], options["runs"])

    def following(self, found: Outcomes) -> list[float]:
        """Return the rates to try next, after these outcomes; none if the search is over.

        The first rates are evenly spaced over the range. Then follow quantiles of the posterior, until its interval is
        narrow, and at last some rates far above it, in case there are rates that work again. Rates have three digits,
        so that the same outcomes give the same runs.
        """
        n = len(found.x)
        if n == 0:
            return _rates(np.linspace(self.low, self.high, min(PACK, self.runs)))
        return _rates(self._next(found, n)[: max(0, self.runs - n)])

    def _next(self, found: Outcomes, n: int) -> np.ndarray:
        now = self.critical(found)
        if now is None:  # between the first rates, in case that those that work are few
            between = (np.arange(PACK - 1) + 0.5) / (PACK - 1)
            return self.low + (self.high - self.low) * between if n <= PACK else np.empty(0)
        low, high = now.posterior.interval()
        if low > self.high - self.width:  # works up to the end of the range
            return np.empty(0)
        if high - low > self.width:
            places = (np.arange(PACK) + 0.5) / PACK
            return np.clip(now.posterior.quantile(places), self.low, self.high)
        beyond = max(high, now.beyond)
        above = np.linspace(beyond, self.high, VERIFY + 1)[1:]
        is_verified = (found.x > above[0] - self.width).sum() >= VERIFY
        return np.empty(0) if is_verified or beyond > self.high - self.width else above

    def critical(self, found: Outcomes) -> Critical | None:
        """Return the critical rate after these outcomes."""
        return critical(found, share=self.share)

    def described(self, found: Outcomes) -> str:
        """Return the critical rate after these outcomes in words, with what to know about it."""
        now, n = self.critical(found), len(found.x)
        if now is None:
            return f"all {n} runs went wrong"
        low, high = now.posterior.interval()
        if not now.open:
            end = f"critical lr {now.rate:.3g} ({10**low:.3g} to {10**high:.3g})"
        elif now.diverged or now.below:
            end = f"critical lr above {10**low:.3g}"
        else:
            end = f"works up to {10 ** found.x.max():.3g}"
        line = f"{end}, {n} runs, {found.diverged.sum()} diverged"
        if n >= self.runs and high - low > self.width:
            line += f"; stopped at search.runs={self.runs}, wider than search.width={self.width:g}"
        if now.reentrant:
            line += f"; works again at {', '.join(f'{rate:g}' for rate in now.reentrant)}"
        return line


def _rates(x: np.ndarray) -> list[float]:
    return [float(f"{10**value:.3g}") for value in x]
