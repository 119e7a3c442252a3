"""Sentences for the head of the page that summarize the results, and notes that qualify them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bnlab.report.escaping import few
from bnlab.report.frame import Frame
from bnlab.report.result import Verdict
from bnlab.report.stats import Estimate, estimate
from bnlab.runs.command import overrides
from bnlab.runs.packing import planned


def summary(frame: Frame) -> list[str]:
    """Return sentences on the condition best on val, its difference from its reference, and the highest stable rate."""
    found = []
    means = {place: frame.by_seed(place, "val_accuracy").mean() for place in frame.finished}
    known = [place for place, mean in means.items() if mean == mean]
    if len(known) > 1:
        best = max(known, key=means.__getitem__)
        metric, score = frame.score.replace("_", " "), estimate(frame.by_seed(best, frame.score))
        label, lr = frame.conditions[best].label, frame.sensitivity[best].shown_lr
        found.append(f"Best on val: {label} at lr {frame.rate(lr)}, {metric} {_interval(score)}.")
        reference = frame.references.get(best)
        if reference is not None:
            apart, other = frame.difference(best, reference, frame.score), frame.conditions[reference].label
            found.append(f"Its difference from {other}, paired by seed: {_interval(apart, sign='+')}.")
    highest = {place: one.highest for place, one in enumerate(frame.sensitivity) if one.highest is not None}
    if len(highest) > 1 and len(frame.rates) > 1:
        top = max(highest.values())
        names = few([frame.conditions[place].label for place, lr in highest.items() if lr == top])
        least = "≥ " if any(frame.sensitivity[place].above for place, lr in highest.items() if lr == top) else ""
        found.append(f"Highest stable learning rate: {least}{frame.rate(top)} ({names}).")
    return found


def _interval(value: Estimate, sign: str = "") -> str:
    mean = f"{value.mean:{sign}.3f}"
    if value.n < 2:
        return f"{mean} (n = {value.n})"
    return f"{mean} [{value.low:{sign}.3f}, {value.high:{sign}.3f}] (95 %, n = {value.n})"


def left_out(frame: Frame) -> list[str]:
    """Return a line for each run folder and file that is left out, as far as tables have been read."""
    return [f"left out: {reason}" for reason in (*frame.source.unreadable.values(), *frame.damaged.values())]


def outlived(frame: Frame, verdicts: Sequence[Verdict]) -> tuple[list[Verdict], list[str]]:
    """Return the verdicts whose runs all exist, and a line on the others."""
    there = {*frame.source.infos, *(folder.name for folder in frame.source.unreadable)}
    kept = [one for one in verdicts if there.issuperset(one.runs)]
    if len(kept) == len(verdicts):
        return kept, []
    commands = dict.fromkeys(one.command for one in verdicts if not there.issuperset(one.runs))
    count = len(verdicts) - len(kept)
    what = "1 verdict is" if count == 1 else f"{count} verdicts are"
    return kept, [f"{what} left out, because runs behind {'it' if count == 1 else 'them'} are missing; judge again: "
                  + " ; ".join(commands)]  # fmt: skip


def warnings(frame: Frame) -> list[str]:
    """Return notes on missing runs, and on best rates that a wider grid may beat."""
    found = []
    counts = frame.runs["status"].value_counts()
    started = {folder.name for folder in (*frame.source.folders.values(), *frame.source.unreadable)}
    plans = (planned(study) for study in frame.studies)
    waiting = [command for plan in plans for run_id, command in plan.items() if run_id not in started]
    missing = [
        f"{count} {words}"
        for count, words in (
            (int(counts.get("running", 0)), "running or interrupted"),
            (int(counts.get("failed", 0)), "failed"),
            (len(waiting), "not started"),
        )
        if count
    ]
    if missing:
        found.append(f"incomplete: {', '.join(missing)}; results may change")
    if lacking := _lacking(frame, waiting):
        found.append(f"requested, but not started: {few(lacking)}")
    if count := frame.repeated:
        found.append(
            f"{count} {'run shares' if count == 1 else 'runs share'} condition, lr and seed with another, and run.json "
            "does not record the difference (another version of the data?): each counts as a separate seed here, "
            "which makes intervals too narrow"
        )
    if len(frame.rates) > 1 and frame.finished and not frame.has_accuracy:
        found.append(
            "no val accuracy to choose a learning rate by: figures show each condition at the rate of least val loss, "
            "or of least training loss if there is no val split"
        )
    for end, beyond in (("lowest", "lower"), ("highest", "higher")):
        names = [
            f"{frame.conditions[place].label} ({frame.rate(one.best_lr)})"
            for place, one in enumerate(frame.sensitivity)
            if one.best_end == end
        ]
        if names:
            edge = f"best lr at the edge of the grid, or of its finished part; a {beyond} one may be better"
            found.append(f"{edge}: {few(names)}")
    return found


def _lacking(frame: Frame, commands: Iterable[str]) -> list[str]:
    """Return the overrides of runs not started whose value no started run has: "norm=layer"."""
    asked = dict.fromkeys(word for command in commands for word in overrides(command))
    infos = frame.source.infos.values()
    axes = {name for info in infos for name in info["axes"]}  # excludes launchers, devices and the like
    theirs = {word for info in infos for word in overrides(info["command"])}
    return [
        word
        for word in asked
        if word.partition("=")[0] in axes and word not in theirs and not any(_has(info["axes"], word) for info in infos)
    ]


def _has(axes: Mapping[str, Any], override: str) -> bool:
    """Return whether a run has the value of an override, also by default or in another notation."""
    axis, _, written = override.partition("=")
    value = axes.get(axis)
    if isinstance(value, int | float):
        with suppress(ValueError):
            return float(written) == value
    return str(value).lower() == {"null": "none"}.get(written, written.lower())
