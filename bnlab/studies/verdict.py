"""Verdicts: what the runs of a study say to its claims."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from bnlab.report.condition import by_size
from bnlab.studies import known
from bnlab.studies.claim import Bound, Claim, Selection
from bnlab.studies.evidence import Evidence, Selected
from bnlab.studies.known import Bounds, Effect, Known, Undecided
from bnlab.studies.selection import Case, cases, chosen, label, words

Decision = Literal["confirmed", "refuted", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim in one of its cases.

    Attributes:
        case: the values of the axes that the claim does not name; "" where none varies.
        effect: what was measured, with its interval (95 % over seeds, or from one rate of the grid to the next); null
            where it could not be.
        threshold: what it had to come to.
        reason: why there is no effect, or else "".
        runs: run_ids behind it.
        published: what the source gives, or "".
    """

    claim: str
    case: str
    verdict: Decision
    effect: Effect | None
    threshold: str
    reason: str
    runs: tuple[str, ...]
    published: str


def judge(claims: Sequence[Claim], evidence: Evidence) -> list[Verdict]:
    """A verdict for each case of each claim, in their order."""
    return [_verdict(claim, case, evidence) for claim in claims for case in cases(claim, evidence.planned)]


def decide(effect: Effect, bound: Bound) -> Decision:
    """Confirmed where the whole interval is within the bound, refuted where all of it is outside, else undecided.

    An interval that touches the bound, but for rounding (3 and 0.3 / 0.1), is neither.
    """
    above, below = bound.above, bound.below
    if (above is None or _beyond(effect.low, above)) and (below is None or _beyond(below, effect.high)):
        return "confirmed"
    if (above is not None and _beyond(above, effect.high)) or (below is not None and _beyond(effect.low, below)):
        return "refuted"
    return "undecided"


def _beyond(high: float, low: float) -> bool:
    return high > low and not math.isclose(high, low, rel_tol=1e-9, abs_tol=1e-9)


def _verdict(claim: Claim, case: Case, evidence: Evidence) -> Verdict:
    effect: Effect | None = None
    runs: tuple[str, ...] = ()
    decision: Decision = "undecided"
    reason = ""
    try:
        if claim.order is not None:
            decision, effect, runs = _order(claim, case, evidence)
        else:
            effect, runs = _compared(claim, case, evidence)
            bound = claim.ratio or claim.difference or claim.value
            assert bound is not None
            decision = decide(effect, bound)
    except Undecided as why:
        reason = str(why)
    published = "" if claim.published is None else str(claim.published)
    return Verdict(
        claim.claim, label(case, evidence.planned), decision, effect, claim.threshold, reason, runs, published
    )


def _compared(claim: Claim, case: Case, evidence: Evidence) -> tuple[Effect, tuple[str, ...]]:
    assert claim.of is not None
    found = _known(claim, claim.of, case, evidence)
    if claim.against is None:
        return known.effect(found), found.runs
    other = _known(claim, claim.against, case, evidence)
    if claim.ratio is None:
        found = known.difference(found, other)
        return known.effect(found), found.runs
    found = known.ratio(found, other)
    return known.effect(found, geometric=True), found.runs


def _order(claim: Claim, case: Case, evidence: Evidence) -> tuple[Decision, Effect, tuple[str, ...]]:
    """Every neighbour must differ in the claimed direction; the effect is the difference of the least sure of them."""
    sides = [_known(claim, side, case, evidence) for side in claim.sides]
    pairs = [known.difference(high, low) for high, low in pairwise(sides)]
    effects = [known.effect(pair) for pair in pairs]
    decisions = [decide(effect, Bound(above=0)) for effect in effects]
    order: tuple[Decision, ...] = ("refuted", "undecided", "confirmed")
    worst = next(one for one in order if one in decisions)
    runs = tuple(dict.fromkeys(run for one in sides for run in one.runs))
    return worst, min(effects, key=lambda one: one.low), runs


def _known(claim: Claim, side: Selection, case: Case, evidence: Evidence) -> Known:
    runs = chosen(evidence.planned, side, case)
    if claim.slope is None:
        return claim.metric.measure(Selected(evidence, words(side, case), tuple(runs)))
    along: dict[float, Known] = {}
    for value in sorted({axes[claim.slope] for axes in runs.values()}, key=by_size):
        here = tuple(run_id for run_id, axes in runs.items() if axes[claim.slope] == value)
        name = words({**side, claim.slope: value}, case)
        if not isinstance(value, int | float) or value <= 0:
            raise Undecided(f"{claim.slope}={value} has no doublings")
        along[float(value)] = claim.metric.measure(Selected(evidence, name, here))
    return _slope(along, claim.slope)


def _slope(along: Mapping[float, Known], axis: str) -> Known:
    """Of each seed, the slope of the least-squares line over log2 of the axis."""
    if len(along) < 2:
        raise Undecided(f"a slope over {axis} needs two values of it, there {'is' if along else 'are'} {len(along)}")
    seeds = set.intersection(*(set(one.by_seed) for one in along.values()))
    x = [math.log2(value) for value in along]
    found = {
        seed: Bounds.exact(float(np.polyfit(x, [one.by_seed[seed].value for one in along.values()], 1)[0]))
        for seed in sorted(seeds, key=str)
    }
    return Known(found, len(found), tuple(run for one in along.values() for run in one.runs))
