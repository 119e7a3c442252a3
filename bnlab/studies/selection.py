"""Select the planned runs that a claim is about, and the cases for which it is judged."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bnlab.errors import BadInput
from bnlab.report.condition import LR, by_size, describe, has, text, varying_axes
from bnlab.studies.claim import Claim, Selection
from bnlab.studies.metrics.diagnostic import Diagnosed
from bnlab.studies.recording import Recording, problems
from bnlab.text import nearest

Axes = Mapping[str, Any]
# Values of runs that lack the axis: processes that share a batch change no number with norm.sync=true.
IMPLIED = {"norm.sync": True, "processes": 1}
Case = tuple[tuple[str, Any], ...]  # axes with the values for which a claim is judged


def chosen(planned: Mapping[str, Axes], selection: Selection, case: Case = ()) -> dict[str, Axes]:
    """Return the planned runs of a condition in a case. A run without an axis of the case belongs to every case."""
    return {
        run_id: axes
        for run_id, axes in planned.items()
        if all(_has_value(axes, name, value) for name, value in selection.items())
        and all(not has(axes, name) or _hashable(axes[name]) == value for name, value in case)
    }


def cases(claim: Claim, planned: Mapping[str, Axes]) -> list[Case]:
    """Return each combination of the axes that vary among a claim's runs and that it does not name.

    Without such axes there is one empty case.
    """
    spoken: dict[str, Axes] = {}
    for side in claim.sides:
        spoken |= chosen(planned, side)
    named = claim.named | {LR, claim.slope}
    varying = [
        name
        for name in varying_axes(list(spoken.values()))
        if name not in named and len({_hashable(axes[name]) for axes in spoken.values() if has(axes, name)}) > 1
    ]
    found = {tuple((name, _hashable(axes[name])) for name in varying if has(axes, name)) for axes in spoken.values()}
    # The net without norm has no placement: it belongs to the cases of the other nets and is not a separate case.
    whole = [case for case in found if not any(set(case) < set(other) for other in found)]
    return sorted(whole, key=lambda case: [(name, *by_size(value)) for name, value in case]) or [()]


def label(case: Case, planned: Mapping[str, Axes]) -> str:
    """Return the description of a case."""
    names = {name for axes in planned.values() for name in axes}
    return " · ".join(describe(name, value, names) for name, value in case)


def words(selection: Selection, case: Case = ()) -> str:
    """Return the description of a condition."""
    return " ".join(f"{name}={text(value)}" for name, value in [*selection.items(), *case]) or "any condition"


def check(
    claims: Sequence[Claim],
    planned: Mapping[str, Axes],
    free: Collection[str],
    recordings: Mapping[str, Recording] = MappingProxyType({}),
    searched: Collection[str] = (),
) -> None:
    """Check that every condition of a claim has planned runs, and that these record the metric of the claim.

    Args:
        free: axes for which the user has chosen other values; if these leave a condition without runs, its claims
            will be undecided.
        recordings: what the planned runs record, by run_id.
        searched: run_ids of planned runs whose rates are searched.

    Raises:
        BadInput: a condition has no runs, or they do not record the metric; names the claim and the available values.
    """
    known = {name for axes in planned.values() for name in axes}
    every = planned
    for claim in claims:
        where = f"claim ({claim.claim})"
        planned = every
        if searched and claim.metric.sequential:
            planned = {run_id: axes for run_id, axes in every.items() if run_id not in searched}
            _check_listed(where, claim, planned, every)
        for name in sorted({*claim.named, claim.slope or LR} - known - set(free)):
            raise BadInput(f"{where}: {name} is not an axis of these runs; {nearest(name, known)}")
        for side in claim.sides:
            if chosen(planned, side) or set(side) & set(free):
                continue
            for name, value in side.items():
                if not chosen(planned, {name: value}):
                    there = dict.fromkeys(text(axes[name]) for axes in planned.values() if has(axes, name))
                    raise BadInput(
                        f"{where}: no planned run has {name}={text(value)}; the planned values are {', '.join(there)}"
                    )
            raise BadInput(f"{where}: no planned run has all of {words(side)}: name axes that were swept together")
        if isinstance(claim.metric, Diagnosed):
            _check_recorded(where, claim, claim.metric, planned, recordings)


def _check_listed(where: str, claim: Claim, listed: Mapping[str, Axes], planned: Mapping[str, Axes]) -> None:
    """Raise `BadInput` if a claim about listed rates names runs whose rates are searched."""
    for side in claim.sides:
        open_ = {name: value for name, value in side.items() if name != LR}
        if not chosen(listed, side) and chosen(planned, open_):
            what = f"{LR}={text(side[LR])}" if LR in side else claim.metric.name
            raise BadInput(
                f"{where}, {words(side)}: {what} needs listed rates, and optim.lr=interval() searches them: list rates "
                "for these runs, or claim critical_lr"
            )


def _check_recorded(
    where: str, claim: Claim, metric: Diagnosed, planned: Mapping[str, Axes], recordings: Mapping[str, Recording]
) -> None:
    """Raise `BadInput` if runs of the claim will not record any row for its metric."""
    if (line := next(problems(metric), None)) is not None:
        raise BadInput(f"{where}: {line}")
    for side in claim.sides:
        for run_id in chosen(planned, side):
            if run_id in recordings and (line := next(problems(metric, recordings[run_id]), None)) is not None:
                raise BadInput(f"{where}, {words(side)}: {line}")


def _has_value(axes: Axes, name: str, value: Any) -> bool:
    if name not in axes:
        return name in IMPLIED and IMPLIED[name] == value
    # A run without norm has no placement and is the baseline of every placement.
    return axes[name] == value or (name == "placement" and not has(axes, name))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
