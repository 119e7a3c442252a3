"""Levels of repeated confidence intervals: t-intervals at several looks that hold over all looks together."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import norm, t

from bnlab.report.stats.estimate import LEVEL

_SHAPE = 0.25  # Wang and Tsiatis' Δ: 0 is O'Brien-Fleming's boundary, 0.5 Pocock's
_GRID = 201  # values of the t-process between which the recursion interpolates
_NODES = 32  # of Gauss-Legendre quadrature


@lru_cache(maxsize=256)
def levels(looks: tuple[int, ...], level: float = LEVEL) -> tuple[float, ...]:
    """Return two-sided levels a_k of the t-intervals at each look, which hold simultaneously with 1 - `level`.

    The intervals mean ± t(1 - a_k/2, n_k - 1) · s/√n_k, k = 1 … K, all contain the true mean of normal values with
    probability 1 - `level`, whatever the mean and the standard deviation, and whatever rule stops early. The a_k follow
    the boundary of Wang & Tsiatis (1987) with Δ = 0.25 on the normal-score scale: a_k = 2Φ(-c (n_k/n_K)^-0.25), with c
    by root finding on the exact error (`crossing`).

    Args:
        looks: numbers of seeds, ascending, the first at least 2.

    Source: Jennison & Turnbull, Group sequential tests with applications to clinical trials (2000), chapters 9 and 11.
    """
    if len(looks) == 1:
        return (level,)

    def shape(c: float) -> tuple[float, ...]:
        return tuple(float(2 * norm.sf(c * (n / looks[-1]) ** (_SHAPE - 0.5))) for n in looks)

    # The last level is between that of one look alone and a Bonferroni share of it.
    low, high = norm.isf(level / 2), norm.isf(level / len(looks) / 2) + 0.1
    return shape(brentq(lambda c: crossing(looks, shape(c)) - level, low, high, xtol=1e-6))


def crossing(looks: Sequence[int], alphas: Sequence[float]) -> float:
    """Return the probability that, at some look, the t-interval of its level misses the true mean.

    With values centred on the mean, let S = Σx and Q = Σx² after n values. U = S/√(n Q), which determines t, is a
    Markov chain free of the standard deviation, because it is ancillary, and Q complete and sufficient. One more value
    turns U into (U √n cos φ + sin φ)/√(n + 1), where φ in [-π/2, π/2] has density proportional to cos^(n-1) φ. The
    probability of not crossing is integrated backwards over n from the last look to the first, where U = sin θ has
    density proportional to cos^(n-2) θ.
    """
    bounds = {n: _bound(n, alpha) for n, alpha in zip(looks, alphas, strict=True)}
    angle = np.linspace(-np.pi / 2, np.pi / 2, _GRID)  # dense at the ends of [-1, 1]
    u_G = np.sin(angle)
    inside_G = np.ones(_GRID)  # P(no crossing after this n | U), as if this n did not cross
    first = looks[0]
    for n in range(looks[-1] - 1, first - 1, -1):
        inside_G = _step(n, u_G, CubicSpline(angle, inside_G), bounds.get(n + 1, 1.0))
    nodes, weights = leggauss(_NODES)
    theta = np.arcsin(bounds[first]) * nodes
    density = np.exp(_log_beta_ratio(first - 1)) * np.cos(theta) ** (first - 2)
    return 1 - float(np.arcsin(bounds[first]) * (weights * density * CubicSpline(angle, inside_G)(theta)).sum())


def _bound(n: int, alpha: float) -> float:
    """Return the value of |U| beyond which the t-interval of n values misses the mean."""
    critical = t.isf(alpha / 2, n - 1)
    return float(critical / np.sqrt(n - 1 + critical**2))


def _step(n: int, u_G: np.ndarray, after: CubicSpline, bound: float) -> np.ndarray:
    """Return E[after(U'); |U'| ≤ bound] for each U, over one more value.

    U' = A sin ψ with ψ = φ + φ₀, A² = (n U² + 1)/(n + 1): |U'| ≤ bound on three intervals of ψ, where the integrand is
    smooth.
    """
    size_G = np.sqrt((n * u_G**2 + 1) / (n + 1))
    start_G = np.arctan2(u_G * np.sqrt(n), 1.0)
    reach_G = np.arcsin(np.minimum(1.0, bound / size_G))
    lows = np.stack([np.full_like(u_G, -np.pi), -reach_G, np.pi - reach_G])
    highs = np.stack([-np.pi + reach_G, reach_G, np.full_like(u_G, np.pi)])
    lows = np.clip(lows, start_G - np.pi / 2, start_G + np.pi / 2)
    highs = np.clip(highs, start_G - np.pi / 2, start_G + np.pi / 2)
    nodes, weights = leggauss(_NODES)
    psi = (lows + highs)[..., None] / 2 + (highs - lows)[..., None] / 2 * nodes
    u = np.clip(size_G[:, None] * np.sin(psi), -1, 1)
    density = np.exp(_log_beta_ratio(n)) * np.abs(np.cos(psi - start_G[:, None])) ** (n - 1)
    return ((highs - lows) / 2 * (density * after(np.arcsin(u)) * weights).sum(-1)).sum(0)


def _log_beta_ratio(n: int) -> float:
    """Return the logarithm of the constant that normalizes cos^(n-1) φ on [-π/2, π/2]."""
    return float(gammaln((n + 1) / 2) - gammaln(n / 2) - np.log(np.pi) / 2)
