"""The HTML page: one self-contained file."""

import base64
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bnlab.report.condition import LR, by_size, exact, told_apart
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing, Table
from bnlab.report.provenance import provenance
from bnlab.report.result import Verdict
from bnlab.report.run_table import as_json
from bnlab.report.summary import summary
from bnlab.runs.schema import STATUSES
from bnlab.text import printable

_MOST_VALUES = 40


class Section(NamedTuple):
    """A table or figure with its position on the page, its files relative to the page, and a figure's PNG."""

    name: str
    title: str
    order: int
    part: Table | Drawn | Missing
    files: tuple[str, ...] = ()
    png: bytes = b""

    @property
    def image(self) -> str:
        return base64.b64encode(self.png).decode()


def render(
    frame: Frame,
    sections: list[Section],
    notes: list[str],
    verdicts: Sequence[Verdict] = (),
    command: str = "",
    settings: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page as HTML.

    Args:
        settings: name and value of further settings that the runs share, besides their axes.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = frame.runs["status"].value_counts()
    missing = [one for one in sections if isinstance(one.part, Missing)]
    return environment.get_template("template.html.jinja").render(
        title=" + ".join(printable(Path(study).resolve().name) for study in frame.studies),
        total=len(frame.runs),
        statuses=[(status, int(counts[status])) for status in STATUSES if status in counts],
        verdicts=verdicts,
        published=any(one.published for one in verdicts),
        summary=summary(frame),
        swept=_swept(frame),
        configuration=frame.configuration,
        settings=[*frame.constants.items(), *settings],
        sections=[one for one in sections if not isinstance(one.part, Missing)],
        missing=missing,
        again=any(one.part.again for one in missing if isinstance(one.part, Missing)),
        notes=notes,
        troubles=_troubles(frame),
        runs=Markup(as_json(frame)),  # contains no character that is special in HTML
        provenance=provenance(frame, command),
    )


def _swept(frame: Frame) -> list[tuple[str, str]]:
    """Return each varying axis with its values; of many numbers, as a search tries them, the ends and how many."""
    every = [info["axes"] for info in frame.source.infos.values()]
    found = []
    for name in [*frame.axes, LR, "seed"]:
        values = {exact(axes[name]): axes[name] for axes in every if name in axes and axes[name] != ""}
        spelt = told_apart(values.values())
        ordered = sorted(values, key=lambda key: by_size(values[key]))
        words = [spelt[key] for key in ordered]
        if len(words) > _MOST_VALUES and name in (LR, "seed"):
            found.append((name, f"{words[0]} to {words[-1]} ({len(words)} values)"))
        else:
            found.append((name, ", ".join(words)))
    return found


def _troubles(frame: Frame) -> list[dict[str, Any]]:
    """Return the runs that did not complete, grouped by condition, status and cause."""
    runs = frame.runs[frame.runs["status"] != "complete"]
    # The cause of a diverged run names its step; a group of them shows the range of steps.
    cause = runs["cause"].fillna("").where(runs["status"] != "diverged", "")
    found = []
    for (status, _, why), group in runs.assign(cause=cause).groupby(["status", "condition", "cause"]):
        steps = sorted({int(step) for step in group["diverged_at"].dropna()})
        span = " to ".join(dict.fromkeys(str(step) for step in (steps[:1] + steps[-1:])))
        found.append(
            {
                "status": status,
                "condition": frame.conditions[int(group["condition"].iloc[0])].label,
                "runs": len(group),
                "where": ", ".join(
                    f"{frame.rate(lr)} ({count})" for lr, count in Counter(group["lr"].sort_values()).items()
                ),
                "cause": f"at step{'s' if len(steps) > 1 else ''} {span}" if steps else why,
            }
        )
    return found
