"""Verdicts on the claims of a study, from its runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from bnlab.report.condition import by_size
from bnlab.report.stats import LEVEL, levels
from bnlab.studies import quantity
from bnlab.studies.claim import Bound, Claim, Selection
from bnlab.studies.evidence import Evidence, Selected
from bnlab.studies.quantity import Bounds, Effect, Quantity, Undecided
from bnlab.studies.selection import Case, cases, chosen, label, words

Decision = Literal["confirmed", "refuted", "undecided"]
NOT_REACHED = "its runs have not been trained"


@dataclass(frozen=True)
class Rule:
    """How claims are judged.

    Attributes:
        looks: numbers of seeds at which they are; None: once, with all seeds.
        family: whether each claim has its own error probability, or all of them together (Holm).
    """

    looks: tuple[int, ...] | None = None
    family: Literal["each", "holm"] = "each"


SEPARATELY = Rule()


@dataclass(frozen=True)
class Verdict:
    """The outcome of a claim in one of its cases.

    Attributes:
        case: the values of the axes that the claim does not name; "" if none varies.
        effect: the measured number with its interval over seeds, or of a posterior; None if it could not be measured.
        threshold: the threshold of the claim, in words.
        reason: why there is no effect, or why a later look could not be judged; else "".
        runs: the run_ids of the runs it was computed from.
        published: the published value with its source, or "".
        look: number of seeds at which a study with looks decided the claim, or that it has reached; None without looks.
        level: probability that the interval misses the value. With looks: at this look, such that all looks together
            miss it with the probability of the study.
    """

    claim: str
    case: str
    verdict: Decision
    effect: Effect | None
    threshold: str
    reason: str
    runs: tuple[str, ...]
    published: str
    look: int | None = None
    level: float = LEVEL


def judge(claims: Sequence[Claim], evidence: Evidence, rule: Rule = SEPARATELY) -> list[Verdict]:
    """Return a verdict for each case of each claim, in order.

    With looks, a claim keeps the verdict of the first look that decides it. With Holm's procedure, r claims that are
    not decided are judged at level/r, again and again until none of them is decided; then any false verdict among all
    has at most the probability `LEVEL`.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.
    """
    judged = [(claim, case) for claim in claims for case in cases(claim, evidence.planned)]
    if rule.family == "each":
        return [_at_looks(claim, case, evidence, rule.looks, LEVEL) for claim, case in judged]
    found: dict[int, Verdict] = {}
    while remaining := [n for n in range(len(judged)) if n not in found or found[n].verdict == "undecided"]:
        level = LEVEL / len(remaining)
        found |= {n: _at_looks(*judged[n], evidence, rule.looks, level) for n in remaining}
        if all(found[n].verdict == "undecided" for n in remaining):
            break
    return [found[n] for n in range(len(judged))]


def _at_looks(claim: Claim, case: Case, evidence: Evidence, looks: tuple[int, ...] | None, level: float) -> Verdict:
    """Return the verdict of the first look that decides the claim, else that of the last look with all runs."""
    if not claim.metric.sequential:
        return _verdict(claim, case, evidence, level)
    evidence = evidence.listed()
    if looks is None:
        return _verdict(claim, case, evidence, level)
    verdict: Verdict | None = None
    for n, at_level in zip(looks, levels(looks, level), strict=True):
        following = replace(_verdict(claim, case, evidence.at_look(n, looks[0]), at_level, n), look=n)
        if following.effect is None and verdict is not None:
            return (
                verdict if following.reason == NOT_REACHED else replace(verdict, reason=f"look {n}: {following.reason}")
            )
        verdict = following
        if verdict.verdict != "undecided" or verdict.effect is None:
            break
    assert verdict is not None
    return verdict


def decide(effect: Effect, bound: Bound) -> Decision:
    """Return confirmed if the whole interval is within the bound, refuted if all of it is outside, else undecided.

    An interval that touches the bound, up to rounding (3 and 0.3 / 0.1), is undecided.
    """
    above, below = bound.above, bound.below
    if (above is None or _beyond(effect.low, above)) and (below is None or _beyond(below, effect.high)):
        return "confirmed"
    if (above is not None and _beyond(above, effect.high)) or (below is not None and _beyond(effect.low, below)):
        return "refuted"
    return "undecided"


def _beyond(high: float, low: float) -> bool:
    return high > low and not math.isclose(high, low, rel_tol=1e-9, abs_tol=1e-9)


def _verdict(claim: Claim, case: Case, evidence: Evidence, level: float, n: int | None = None) -> Verdict:
    """Return the verdict at a level.

    Args:
        n: number of seeds that each value must have; None: any.
    """
    effect: Effect | None = None
    runs: tuple[str, ...] = ()
    decision: Decision = "undecided"
    reason = ""
    try:
        if claim.order is not None:
            decision, effect, runs = _order(claim, case, evidence, level)
        else:
            effect, runs = _compared(claim, case, evidence, level)
            bound = claim.ratio or claim.difference or claim.value
            assert bound is not None
            decision = decide(effect, bound)
        if n is not None and effect.n < n:
            decision, effect, reason = "undecided", None, NOT_REACHED
    except Undecided as why:
        reason = str(why)
    published = "" if claim.published is None else str(claim.published)
    return Verdict(
        claim.claim,
        label(case, evidence.planned),
        decision,
        effect,
        claim.threshold,
        reason,
        runs,
        published,
        None,
        level,
    )


def _compared(claim: Claim, case: Case, evidence: Evidence, level: float) -> tuple[Effect, tuple[str, ...]]:
    assert claim.of is not None
    found = _known(claim, claim.of, case, evidence)
    if claim.against is None:
        return quantity.effect(found, geometric=claim.is_geometric, level=level), found.runs
    other = _known(claim, claim.against, case, evidence)
    found = quantity.difference(found, other) if claim.ratio is None else quantity.ratio(found, other)
    return quantity.effect(found, geometric=claim.is_geometric, level=level), found.runs


def _order(claim: Claim, case: Case, evidence: Evidence, level: float) -> tuple[Decision, Effect, tuple[str, ...]]:
    """Judge an order of conditions: every adjacent pair must differ in the claimed direction.

    One pair alone refutes the order, so each pair has its share of the level for that. The effect is the one with the
    lowest lower end: of positive numbers their ratio, else their difference.
    """
    geometric = claim.is_geometric
    compare, bound = (quantity.ratio, Bound(above=1)) if geometric else (quantity.difference, Bound(above=0))
    sides = [_known(claim, side, case, evidence) for side in claim.sides]
    pairs = [compare(high, low) for high, low in pairwise(sides)]
    effects = [quantity.effect(pair, geometric=geometric, level=level) for pair in pairs]
    refuting = [quantity.effect(pair, geometric=geometric, level=level / len(pairs)) for pair in pairs]
    runs = tuple(dict.fromkeys(run for one in sides for run in one.runs))
    lowest = min(range(len(pairs)), key=lambda n: effects[n].low)
    if any(decide(one, bound) == "refuted" for one in refuting):
        return "refuted", refuting[lowest], runs
    confirmed = all(decide(one, bound) == "confirmed" for one in effects)
    return "confirmed" if confirmed else "undecided", effects[lowest], runs


def _known(claim: Claim, side: Selection, case: Case, evidence: Evidence) -> Quantity:
    runs = chosen(evidence.planned, side, case)
    if claim.slope is None:
        return claim.metric.measure(Selected(evidence, words(side, case), tuple(runs)))
    along: dict[float, Quantity] = {}
    for value in sorted({axes[claim.slope] for axes in runs.values()}, key=by_size):
        here = tuple(run_id for run_id, axes in runs.items() if axes[claim.slope] == value)
        name = words({**side, claim.slope: value}, case)
        if not isinstance(value, int | float) or value <= 0:
            raise Undecided(f"{claim.slope}={value} cannot be doubled: a slope needs an axis of positive numbers")
        along[float(value)] = claim.metric.measure(Selected(evidence, name, here))
    return _slope(along, claim.slope)


def _slope(along: Mapping[float, Quantity], axis: str) -> Quantity:
    """Return, for each seed, the slope of the least-squares line over log2 of the axis."""
    if len(along) < 2:
        raise Undecided(
            f"a slope over {axis} needs two values of it, but there {'is' if along else 'are'} {len(along)}"
        )
    seeds = set.intersection(*(set(one.by_seed) for one in along.values()))
    x = [math.log2(value) for value in along]
    found = {
        seed: Bounds.exact(float(np.polyfit(x, [one.by_seed[seed].value for one in along.values()], 1)[0]))
        for seed in sorted(seeds, key=str)
    }
    return Quantity(found, tuple(run for one in along.values() for run in one.runs))
