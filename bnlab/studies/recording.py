"""The rows that planned runs will write to layers.csv, and whether a claim finds its metric among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bnlab.registry import Entry, entries
from bnlab.runs.cell import text
from bnlab.studies.metrics.diagnostic import Diagnosed
from bnlab.text import nearest

WEIGHT = "weight"  # the kind of weights in sites.csv, which are not sites


@dataclass(frozen=True)
class Recording:
    """The diagnostics that a planned run records.

    Attributes:
        model: the name of the model in the registry.
        diagnostics: the options of each of its diagnostics by name, including `when`.
    """

    model: str
    diagnostics: Mapping[str, Mapping[str, Any]]


def problems(metric: Diagnosed, recording: Recording | None = None) -> Iterator[str]:
    """Yield the reasons why the metric will not find any rows, each one line with the remedy.

    Args:
        recording: of one run of the claim; without it, only what is wrong for every run is checked.
    """
    writer = _writers().get(metric.diagnostic)
    if writer is None:
        yield f"metric.diagnostic={metric.diagnostic} {_unknown(metric.diagnostic)}"
        return
    yield from _of_kind(metric, writer, recording)
    if recording is None:
        return
    options = recording.diagnostics.get(writer.name)
    if options is None:
        yield (
            f"metric.diagnostic={metric.diagnostic} is written by {writer.name}, which is off in these runs: set "
            f"diagnostics=[light,{writer.name}]"
        )
        return
    prefix = f"diagnostics.{writer.name}"
    needed = writer.facts.get("only_with", {}).get(metric.diagnostic)
    if needed is not None and options[needed] is None:
        yield f"metric.diagnostic={metric.diagnostic} is written only if {prefix}.{needed} is set, but it is null"
    yield from _of_index(metric, writer.facts["writes"][metric.diagnostic], options, prefix)
    yield from _of_moment(metric, options["when"], prefix)


def _writers() -> dict[str, Entry]:
    """Return, for each name in the column `diagnostic` of layers.csv, the diagnostic that writes it."""
    return {name: entry for entry in entries("diagnostics").values() for name in entry.facts.get("writes", {})}


def _unknown(name: str) -> str:
    if (entry := entries("diagnostics").get(name)) is not None:
        writes = entry.facts.get("writes", {})
        if writes:
            return f"is a diagnostic that writes several quantities: name one of {', '.join(writes)}"
        table = entry.facts.get("table", "layers")
        return f"writes {table}, but a claim can only use quantities in layers.csv"
    known = _writers()
    close = nearest(name, known)
    return (
        "is not a quantity in layers.csv; "
        f"{close if close.startswith('did') else 'available: ' + ', '.join(sorted(known))}"
    )


def _of_kind(metric: Diagnosed, writer: Entry, recording: Recording | None) -> Iterator[str]:
    at = writer.facts["at"]
    if not at:
        yield f"metric.diagnostic={metric.diagnostic} belongs to the whole net, but a claim needs a kind of site"
        return
    model = entries("model").get(recording.model) if recording is not None else None
    offered = model.facts.get("offers", ()) if model is not None else ()
    kinds = dict.fromkeys(
        offered or (kind for one in entries("model").values() for kind in one.facts.get("offers", ()))
    )
    there = [kind for kind in (*kinds, WEIGHT) if kind in at or ("site" in at and kind != WEIGHT)]
    if metric.kind in there:
        return
    of_model = f" of model={recording.model}" if recording is not None and offered else ""
    if there:
        misplaced = metric.kind in (*kinds, WEIGHT)  # not a typo
        way_out = f"available: {', '.join(there)}" if misplaced else nearest(metric.kind, there)
        yield f"metric.kind={metric.kind}{of_model} has no {metric.diagnostic}; {way_out}"
    else:
        yield f"metric.diagnostic={metric.diagnostic} is measured at {' and '.join(at)}, which is not a site{of_model}"


def _of_index(metric: Diagnosed, index: str, options: Mapping[str, Any], prefix: str) -> Iterator[str]:
    if metric.index is None:
        return
    said = f"metric.index={text(metric.index)}"
    if index == "":
        yield f"{said}: rows of {metric.diagnostic} have no index: leave it out"
    elif index in options:
        there = [text(float(value)) for value in options[index]]
        if text(metric.index) not in there:
            yield f"{said} is not in {prefix}.{index}=[{','.join(there)}]"
    elif index == "time step" and not _is_step(metric.index):
        yield f"{said}: rows of {metric.diagnostic} are indexed by time step: 1, 2, 3 …"
    elif index == "kind of layer" and not isinstance(metric.index, str):
        yield f"{said}: rows of {metric.diagnostic} are indexed by kind of layer, such as Linear or batch"


def _is_step(index: float | str) -> bool:
    return isinstance(index, int | float) and index >= 1 and index == int(index)


def _of_moment(metric: Diagnosed, when: list[str | int], prefix: str) -> Iterator[str]:
    shown = f"{prefix}.when=[{','.join(map(str, when))}]"
    if not when:
        yield f"{shown} never records anything: add last, epoch, or a number of updates"
    elif metric.take == "init" and not any(one == "init" or isinstance(one, int) for one in when):
        yield f"metric.take=init needs a record at initialization: add init to {shown}"
    elif metric.take == "drift" and set(when) in ({"init"}, {"last"}):
        yield f"metric.take=drift needs records at several steps: add epoch, or a number of updates, to {shown}"
