"""Critical learning rate: the rate at which half of the runs go wrong, with its posterior distribution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from bnlab.report.stats.cell import ROUNDING
from bnlab.report.stats.estimate import LEVEL

LAPSE = 0.02  # share of runs that end either way whatever their rate
_STEP = 0.01  # decades between values of the threshold
_MARGIN = 1.0  # decades by which the threshold may be outside the range
_SCALES = np.geomspace(0.006, 0.6, 18)  # decades; a priori each is equally likely
_NEARLY_ALL = 0.98
_LOWEST = math.log(1e-300)


@dataclass(frozen=True)
class Posterior:
    """Distribution of log10 of a positive number, on a grid with step `_STEP`.

    Attributes:
        first: smallest value of the grid.
        mass: probability of each value.
    """

    first: float
    mass: np.ndarray

    @property
    def values(self) -> np.ndarray:
        return self.first + _STEP * np.arange(len(self.mass))

    def quantile(self, p: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """Return quantiles, linear between the edges of the grid's cells."""
        edges = self.first + _STEP * (np.arange(len(self.mass) + 1) - 0.5)
        return np.interp(p, np.concatenate([[0.0], self.mass.cumsum()]), edges)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the central interval that holds the number with probability 1 - `level`."""
        low, high = self.quantile([level / 2, 1 - level / 2])
        return float(low), float(high)

    def mirrored(self) -> "Posterior":
        """Return the distribution of the negative number."""
        return Posterior(-float(self.values[-1]), self.mass[::-1])

    def minus(self, other: "Posterior") -> "Posterior":
        """Return the distribution of the difference from an independent number."""
        mass = np.convolve(self.mass, other.mass[::-1])
        return Posterior(self.first - other.first - _STEP * (len(other.mass) - 1), mass)


def posterior(x: np.ndarray, wrong: np.ndarray, low: float, high: float, share: float = 0.5) -> Posterior:
    """Return the posterior of the x = log10(rate) at which a share of the runs goes wrong.

    P(wrong | x) = λ/2 + (1 - λ) · logistic((x - θ)/s), with λ = `LAPSE`. The prior is uniform in log s, and in θ on
    [low - 1, high + 1]; s is integrated out. The number is θ + s · logit(share).

    Args:
        x, wrong: a value a run.
        low, high: ends of the range that was searched.

    Source: Watson & Pelli (1983), QUEST, Perception & Psychophysics 33; the slope as in Kontsevich & Tyler (1999).
    """
    theta = np.arange(low - _MARGIN, high + _MARGIN + _STEP / 2, _STEP)
    where, place = np.unique(np.asarray(x, float), return_inverse=True)
    bad = np.bincount(place, np.asarray(wrong, float), len(where))
    good = np.bincount(place, minlength=len(where)) - bad
    log_mass = np.zeros((len(_SCALES), len(theta)))
    for row, scale in zip(log_mass, _SCALES, strict=True):
        p = LAPSE / 2 + (1 - LAPSE) * expit((where[:, None] - theta) / scale)
        row += bad @ np.log(p) + good @ np.log1p(-p)
    mass = np.exp(np.maximum(log_mass - log_mass.max(), _LOWEST))
    shift = _SCALES * math.log(share / (1 - share))
    if share == 0.5:
        marginal = mass.sum(0)
    else:
        marginal = sum(
            np.interp(theta, theta + by, row, left=0.0, right=0.0) for by, row in zip(shift, mass, strict=True)
        )
    return Posterior(float(theta[0]), marginal / marginal.sum())


@dataclass(frozen=True)
class Outcomes:
    """What became of runs at different rates.

    Attributes:
        x: log10 of the rate of each run.
        diverged: whether it diverged.
        below: whether it ended, but below the accuracy that was asked for.
    """

    x: np.ndarray
    diverged: np.ndarray
    below: np.ndarray

    @property
    def wrong(self) -> np.ndarray:
        """Whether a run went wrong in either way."""
        return self.diverged | self.below


def outcomes(runs: pd.DataFrame, accuracy: float) -> Outcomes:
    """Return the outcomes of finished runs.

    Args:
        runs: lr, status, val_accuracy of complete and diverged runs. A run without a val accuracy can only diverge.
        accuracy: the lowest val accuracy of a run that does not go wrong.
    """
    diverged = (runs["status"] == "diverged").to_numpy()
    below = ~diverged & (runs["val_accuracy"] < accuracy - ROUNDING).to_numpy()
    return Outcomes(np.log10(runs["lr"].to_numpy("float64")), diverged, below)


@dataclass(frozen=True)
class Critical:
    """Critical rate of a condition.

    Attributes:
        posterior: the distribution of its log10.
        open: whether the rates that were tried end before runs go wrong; the rate is then only a bound.
        diverged, below: runs beyond the middle of the rates that work that went wrong, each kind by itself.
        n: runs that the posterior is based on.
        beyond: log10 of the rate beyond which nearly all runs should go wrong.
        reentrant: rates still further at which runs work again.
    """

    posterior: Posterior
    open: bool
    diverged: int
    below: int
    n: int
    beyond: float
    reentrant: tuple[float, ...]

    @property
    def rate(self) -> float:
        """The median of the posterior."""
        return float(10 ** self.posterior.quantile(0.5))


def critical(found: Outcomes, *, end: Literal["upper", "lower"] = "upper", share: float = 0.5) -> Critical | None:
    """Return the critical rate at one end of the rates that work; None if every run went wrong.

    Only runs on this side of the middle of the rates that work count, because at too low rates runs do not reach the
    accuracy either.
    """
    if found.wrong.all():
        return None
    sign = 1 if end == "upper" else -1
    x = sign * found.x
    side = x >= sign * _middle(found)
    x, wrong = x[side], found.wrong[side]
    posterior_ = posterior(x, wrong, float(x.min()), float(x.max()), share)
    beyond = float(posterior(x, wrong, float(x.min()), float(x.max()), _NEARLY_ALL).quantile(0.5))
    _, high = posterior_.interval()
    again = np.unique(np.round(10 ** (sign * x[~wrong & (x > beyond)]), 12))
    return Critical(
        posterior_ if end == "upper" else posterior_.mirrored(),
        high > x.max() or not wrong.any(),
        int(found.diverged[side].sum()), int(found.below[side].sum()), len(x),
        sign * beyond, tuple(float(rate) for rate in again),
    )  # fmt: skip


def _middle(found: Outcomes) -> float:
    """Return the middle of the rates that work: the band with the largest excess of runs that work over others."""
    order = np.argsort(found.x, kind="stable")
    x, gain = found.x[order], np.where(found.wrong[order], -1, 1)
    total = np.concatenate([[0], gain.cumsum()])
    lowest = np.minimum.accumulate(total)
    last = int(np.argmax(total - lowest))
    first = int(np.argmin(total[:last]))
    return float(x[first] + x[last - 1]) / 2
