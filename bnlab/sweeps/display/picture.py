"""State of a study, as text."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.text import Text

from bnlab.runs.causes import causes, described, varying
from bnlab.runs.command import overrides
from bnlab.runs.duration import spoken
from bnlab.runs.lock_holder import STALE
from bnlab.runs.status import STATES, Look, Run
from bnlab.text import printable

COLOURS = {"complete": "green", "diverged": "yellow", "refused": "yellow", "failed": "red", "running": "cyan"}
FEW = 6  # most runs, causes or folders that are listed one by one

_PLACES = ("experiment", "study", "output_dir", "data.root")  # the same in every run of a study
_GLUE = "\u00a0"  # a space at which no line breaks

Line = tuple[str, str, int]  # text, style, indentation of wrapped lines (negative: do not wrap)


def picture(study: Path, look: Look, width: int | None) -> Text:
    """Return the full description in lines of at most `width` characters; commands are not wrapped."""
    lines = []
    for text, style, indent in _lines(study, look):
        fitting = wrapped(text, None if indent < 0 else width, indent)
        lines += [Text(printable(one.replace(_GLUE, " ")), style) for one in fitting]
    return Text("\n").join(lines)


def head(look: Look) -> str:
    """Return the number of runs in each state, the pace and the time left, in one line."""
    count = Counter(run.state for run in look.runs)
    return ", ".join(f"{count[state]} {state}" for state in STATES if count[state]) + _pace(look)


def _lines(study: Path, look: Look) -> Iterator[Line]:
    axes = varying([run.axes for run in look.runs if run.info is not None])
    words = _words(look.runs)
    count = Counter(run.state for run in look.runs)
    yield f"{study}: {len(look.runs)} {'run' if len(look.runs) == 1 else 'runs'}", "bold", 2
    for state in STATES:
        if count[state]:
            yield f"{count[state]:>8} {state}", COLOURS.get(state, ""), 9
    if pace := _pace(look):
        yield pace.removeprefix("; "), "", 2
    holders: dict[str, list[Run]] = {}
    for run in look.of("running"):
        holders.setdefault(str(run.holder).partition(", since")[0], []).append(run)
    for name, runs in holders.items():
        yield "", "", 0
        since = min(run.holder.since for run in runs if run.holder is not None)
        yield f"running: {name}, for {spoken(look.now - since)}", COLOURS["running"], 2
        if (silent := min(run.silent for run in runs)) > STALE:
            yield (
                f"  no heartbeat for {spoken(silent)}: if its machine is dead, the sweep's command resumes them",
                "red",
                4,
            )
        yield from _under_way(runs, axes, words)
    if count["interrupted"]:
        yield "", "", 0
        interrupted = look.of("interrupted")
        yield f"interrupted: {len(interrupted)}; the command that started them resumes them", "", 2
        yield from _under_way(interrupted, axes, words)
        if len(interrupted) > 1:
            yield "  only the first:", "", 4
        yield f"  {interrupted[0].command}", "", -1
    for state in ("failed", "refused", "diverged"):
        if count[state]:
            yield from _caused(state, look.of(state), axes)
    if look.damaged:
        yield "", "", 0
        yield f"cannot be read: {len(look.damaged)}", "red", 2
        for reason in list(look.damaged.values())[:FEW]:
            yield f"  {reason.partition(';')[0]}", "", 4
        if len(look.damaged) > FEW:
            yield f"  … and {len(look.damaged) - FEW} more", "", 2


def _words(runs: Sequence[Run]) -> dict[Path, str]:
    """Return the label of each run: the overrides of its command that not all runs share.

    If the command of a run is unknown: all overrides but those that say where runs and data are.
    """
    known = {run.folder: overrides(run.command) for run in runs if run.command}
    told = [[word for word in words if word.partition("=")[0] not in _PLACES] for words in known.values()]
    complete = len(told) > 1 and all(run.command for run in runs)
    shared = set.intersection(*map(set, told)) if complete else set()
    own = (" ".join(word for word in words if word not in shared) for words in told)
    return dict(zip(known, own, strict=True))


def _under_way(runs: Sequence[Run], axes: dict[str, list[str]], words: Mapping[Path, str]) -> Iterator[Line]:
    """Yield a line with the progress of each run if there are few, else one line for all."""
    if len(runs) <= FEW:
        for run in runs:
            far = "" if run.updates is None else f"  update{_GLUE}{run.updates[0]}/{run.updates[1]}"
            name = f"{words.get(run.folder, '')} ({run.folder.name})".strip()
            yield f"  {name}{far}", "", 4
        return
    known = [run.updates for run in runs if run.updates is not None]
    far = f", {sum(done for done, _ in known) / sum(total for _, total in known):.0%} of their updates" if known else ""
    yield f"  {len(runs)} runs{far}: {_named(runs, axes)}", "", 4


def _caused(state: str, runs: Sequence[Run], axes: dict[str, list[str]]) -> Iterator[Line]:
    yield "", "", 0
    yield f"{state}: {len(runs)}", COLOURS[state], 2
    groups = causes([str((run.info or {})["cause"]) for run in runs])
    for cause in groups[:FEW]:
        those = [runs[place] for place in cause.places]
        number = f"{len(those)} x " if len(those) > 1 else ""
        yield f"  {number}{cause.text}", "", 4
        yield f"      {_named(those, axes)}", "dim", 8
    if len(groups) > FEW:
        yield f"  … and {len(groups) - FEW} other causes", "", 2
    if state == "failed":
        if len(runs) > 1:
            yield "  to retry: the sweep's command with sweep.retry=failed; only the first:", "", 4
        yield f"  {'' if len(runs) > 1 else 'to retry: '}{runs[0].command}", "", -1


def _named(runs: Sequence[Run], axes: dict[str, list[str]]) -> str:
    """Return what distinguishes these runs in the study, and the folder of the first."""
    words = described([run.axes for run in runs if run.info is not None], axes)
    first = runs[0].folder.name
    return f"{words} ({first})".strip() if len(runs) == 1 else f"{words} ({first}, …)".strip()


def _pace(look: Look) -> str:
    if look.left is None or look.pace is None:
        return ""
    pace = 60 * look.pace
    return f"; {f'{pace:.3g}' if pace < 1000 else f'{pace:,.0f}'} runs a minute, about {spoken(look.left)} left"


def wrapped(text: str, width: int | None, indent: int) -> list[str]:
    """Return a text in lines of at most `width` characters, if given; the second and later ones are indented."""
    if width is None:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]
