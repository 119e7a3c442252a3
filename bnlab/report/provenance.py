"""Provenance of the numbers of a report."""

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from bnlab.report.condition import text
from bnlab.report.frame import Frame


def provenance(frame: Frame, command: str) -> list[tuple[str, str]]:
    """Return studies, versions, git commit, machine and commands of the runs; differing values have run counts."""
    infos = list(frame.source.infos.values())
    found = [("studies", ", ".join(f"{name} ({_runs(count)})" for name, count in Counter(frame.runs["study"]).items()))]
    for name in sorted({name for info in infos for name in info["versions"] or {}}):
        found.append((name, _tally((info["versions"] or {}).get(name) for info in infos)))
    found.append(("git commit", _tally(info["git"] for info in infos)))
    found.append(("machine", _tally(info["device"] for info in infos)))
    found.append(("executor", _tally((info["execution"] or {}).get("executor") for info in infos)))
    ordered = frame.runs.sort_values(["condition", "lr", "seed"])["run_id"]  # in the order of a grid
    every = (frame.source.infos[run_id]["command"] for run_id in ordered)
    commands = list(dict.fromkeys(command for command in every if command))
    found.append(("command", together(commands) or "differs by run: see the table of runs"))
    return [*found, ("this page", command)] if command else found


def together(commands: Sequence[str]) -> str:
    """Return one command for all runs, which lists the values of an override with commas; "" if there is none."""
    if len(commands) < 2:
        return "".join(commands)
    try:
        parted = [[word.partition("=") for word in shlex.split(command)] for command in commands]
    except ValueError:  # an unclosed quote: not a command of bnlab
        return ""
    if len({tuple((name, equals) for name, equals, _ in words) for words in parted}) > 1:
        return ""
    columns = zip(*([value for *_, value in words] for words in parted), strict=True)
    values = [list(dict.fromkeys(column)) for column in columns]
    listed = [name + equals + ",".join(given) for (name, equals, _), given in zip(parted[0], values, strict=True)]
    several = [value for different in values if len(different) > 1 for value in different]
    if any(set(value) & set(",[]{}()") for value in several) or math.prod(map(len, values)) != len(commands):
        return ""
    return shlex.join(listed).replace("bnlab train", "bnlab sweep", 1)


def _tally(values: Iterable[Any]) -> str:
    counts = Counter(values)
    names = {value: "unknown" if value is None else text(value) for value in counts}
    if len(counts) == 1:
        return next(iter(names.values()))
    return ", ".join(f"{names[value]} ({_runs(count)})" for value, count in counts.most_common())


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
