"""Number of seeds that decides a claim, from the spread of earlier runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import nct, t

from bnlab.report.stats import LEVEL, levels
from bnlab.studies.claim import Claim
from bnlab.studies.evidence import Evidence
from bnlab.studies.selection import cases
from bnlab.studies.verdict import SEPARATELY, Rule, Verdict, judge

POWER = 0.8
MOST = 200  # seeds; a claim that needs more is named as not affordable


@dataclass(frozen=True)
class Need:
    """What a claim needs to be decided.

    Attributes:
        verdict: the verdict on the earlier runs.
        seeds: the number of seeds that decides it with 80 % power if the measured effect is the true one; inf: more
            than `MOST`, or than the last look; None: unknown, without earlier runs that show the spread over seeds.
        runs: further runs that this takes.
        beyond: the number of seeds, without looks, if no look decides it; inf: more than `MOST`.
    """

    verdict: Verdict
    seeds: float | None
    runs: int = 0
    beyond: float = math.inf

    @property
    def shown(self) -> str:
        """The number of seeds as text."""
        if self.seeds is None:
            return "unknown"
        if not math.isinf(self.seeds):
            return f"{self.seeds:g}"
        return f"more than {MOST}" if math.isinf(self.beyond) else f"about {self.beyond:g}, beyond the last look"


def needs(claims: Sequence[Claim], evidence: Evidence, rule: Rule = SEPARATELY) -> list[Need]:
    """Return what each case of each claim needs, in order."""
    of_case = [claim for claim in claims for _ in cases(claim, evidence.planned)]
    return [_need(claim, one, rule) for claim, one in zip(of_case, judge(claims, evidence, rule), strict=True)]


def _need(claim: Claim, verdict: Verdict, rule: Rule) -> Need:
    effect = verdict.effect
    if effect is None or effect.unit != "seeds":
        return Need(verdict, None)
    if verdict.verdict != "undecided":
        return Need(verdict, effect.n)
    into = math.log if claim.is_geometric else float
    ends = (effect.low, effect.high)
    if not all(map(math.isfinite, ends)) or (claim.is_geometric and effect.low <= 0):
        return Need(verdict, None)
    low, high = map(into, ends)
    spread = (high - low) / 2 * math.sqrt(effect.n) / float(t.isf(verdict.level / 2, effect.n - 1))
    distance = min(abs(into(effect.value) - bound) for bound in map(into, claim.thresholds))
    d = distance / spread if spread > 0 else math.inf
    seeds = seeds_for(d, rule.looks)
    more = 0 if math.isinf(seeds) else int(max(seeds, effect.n) - effect.n) * len(verdict.runs) // effect.n
    return Need(verdict, seeds, more, seeds_for(d))


def seeds_for(d: float, looks: tuple[int, ...] | None = None, *, power: float = POWER, level: float = LEVEL) -> float:
    """Return the smallest number of seeds at which an interval excludes the threshold with this power; inf if none.

    With T noncentral t with parameter d√n, the power is P(|T| > t(1 - level/2, n - 1)). With looks it is that of one
    look at its level, which earlier looks only raise.

    Args:
        d: distance of the true effect from the threshold, in standard deviations over seeds.
    """
    sizes = range(2, MOST + 1) if looks is None else looks
    at = [level] * len(sizes) if looks is None else levels(looks, level)
    for n, alpha in zip(sizes, at, strict=True):
        if _power(d, n, alpha) >= power:
            return n
    return math.inf


def _power(d: float, n: int, level: float) -> float:
    if math.isinf(d):
        return 1.0
    critical = t.isf(level / 2, n - 1)
    shift = d * math.sqrt(n)
    return float(np.nan_to_num(nct.sf(critical, n - 1, shift)) + np.nan_to_num(nct.cdf(-critical, n - 1, shift)))
