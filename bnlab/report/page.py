"""The HTML page: one file that needs no network."""

import base64
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bnlab.report.condition import LR, text
from bnlab.report.frame import Frame
from bnlab.runs.schema import STATUSES


class Section(NamedTuple):
    """One table or figure on the page; `missing` says why there is none."""

    name: str
    title: str
    caption: str = ""
    missing: str = ""
    table: pd.DataFrame | None = None
    notes: list[str] = []  # noqa: RUF012 (never changed)
    png: bytes = b""

    @property
    def image(self) -> str:
        return base64.b64encode(self.png).decode()


def render(frame: Frame, sections: list[Section], notes: list[str]) -> str:
    """The page's text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = frame.runs["status"].value_counts()
    return environment.get_template("template.html.jinja").render(
        title=" + ".join(Path(study).resolve().name for study in frame.studies),
        total=len(frame.runs),
        statuses=[(status, int(counts[status])) for status in STATUSES if status in counts],
        swept=_swept(frame),
        configuration=frame.configuration,
        constants=frame.constants,
        sections=sections,
        notes=notes,
        troubles=_troubles(frame),
        runs=_runs(frame),
        axes=frame.axes,
        provenance=_provenance(frame),
    )


def _swept(frame: Frame) -> list[tuple[str, str]]:
    """What varied, each axis with its values."""
    every = [info["axes"] for info in frame.source.infos.values()]
    found = []
    for name in [*frame.axes, LR, "seed"]:
        values = {text(axes[name]): axes[name] for axes in every if name in axes and axes[name] != ""}
        ordered = sorted(values, key=lambda shown: (isinstance(values[shown], str), shown != "none", values[shown]))
        found.append((name, ", ".join(ordered)))
    return found


def _troubles(frame: Frame) -> list[dict[str, Any]]:
    """Runs that did not complete, those of one condition, status and cause together."""
    runs = frame.runs[frame.runs["status"] != "complete"]
    # A diverged run's cause names its step; together they have a range of steps.
    cause = runs["cause"].fillna("").where(runs["status"] != "diverged", "")
    found = []
    for (status, _, why), group in runs.assign(cause=cause).groupby(["status", "condition", "cause"]):
        steps = group["diverged_at"].dropna().astype(int)
        span = f"at step {steps.min()}" if steps.nunique() == 1 else f"at steps {steps.min()} to {steps.max()}"
        found.append(
            {
                "status": status,
                "condition": frame.conditions[int(group["condition"].iloc[0])].label,
                "runs": len(group),
                "where": ", ".join(f"{lr:g} ({count})" for lr, count in Counter(group["lr"].sort_values()).items()),
                "cause": span if len(steps) else why,
            }
        )
    return found


def _runs(frame: Frame) -> list[dict[str, Any]]:
    found = []
    for _, run in frame.runs.sort_values(["condition", "lr", "seed"]).iterrows():
        found.append(
            {
                "run_id": run["run_id"],
                "study": run["study"],
                "condition": frame.conditions[run["condition"]].label,
                "lr": f"{run['lr']:g}",
                "seed": run["seed"],
                "status": run["status"],
                "at": "" if pd.isna(run["diverged_at"]) else f" at step {run['diverged_at']:.0f}",
                "cause": run["cause"] or "",
                **{name: _number(run[name], ".3f") for name in ("val_accuracy", "test_accuracy")},
                "train_loss": _number(run["train_loss"], ".3g"),
                "seconds": _number(run["seconds"], ".1f"),
                "command": frame.source.infos[run["run_id"]]["command"] or "",
            }
        )
    return found


def _number(value: Any, form: str) -> str:
    return "" if value is None or pd.isna(value) else format(value, form)


def _provenance(frame: Frame) -> list[tuple[str, str]]:
    """Versions, git commit, device and command of the runs; where runs differ, each with how many."""
    infos = list(frame.source.infos.values())
    found = []
    for name in sorted({name for info in infos for name in info["versions"] or {}}):
        found.append((name, _tally((info["versions"] or {}).get(name) for info in infos)))
    found.append(("git commit", _tally(info["git"] for info in infos)))
    found.append(("device", _tally(info["device"] for info in infos)))
    commands = list(dict.fromkeys(info["command"] for info in infos if info["command"]))
    found.append(("command", commands[0] if len(commands) == 1 else "each run's own: see the table of runs"))
    return found


def _tally(values: Any) -> str:
    counts = Counter("unknown" if value is None else text(value) for value in values)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({count} runs)" for value, count in counts.most_common())
