"""Builds a report's folder: tables, figures with the numbers behind them, and the page."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bnlab.report import Built
from bnlab.report.frame import read
from bnlab.report.page import Section, render
from bnlab.report.parts import Drawn, Missing, Table, modules
from bnlab.report.style import RC
from bnlab.runs.atomic import write_atomic

_SUFFIXES = {"tables": ("csv", "md"), "figures": ("png", "svg", "csv")}


def write_report(studies: Sequence[Path], target: float, tolerance: float) -> Built:
    """See `bnlab.report.build`."""
    frame = read(studies, target, tolerance)
    folder = Path(studies[0]) / "report"
    texts, sections = [], []
    notes = [f"left out: {reason}" for reason in frame.source.unreadable.values()]
    if frame.repeated:
        notes.append(
            f"{frame.repeated} runs share condition, lr and seed with another: each counts as a seed of its own"
        )
    for room in _SUFFIXES:
        (folder / room).mkdir(parents=True, exist_ok=True)
        for name, module in modules(room).items():
            base = folder / room / name
            with mpl.rc_context(RC):
                part = module.table(frame) if room == "tables" else module.draw(frame)
                section = _keep(base, module.TITLE, part)
            if isinstance(part, Missing):
                notes.append(f"{module.TITLE}: not drawn, {part.reason}")
                for suffix in _SUFFIXES[room]:  # an earlier report's would pass for this one's
                    base.with_suffix(f".{suffix}").unlink(missing_ok=True)
            if isinstance(part, Table):
                texts.append(markdown(module.TITLE, part))
            sections.append(section)
    page = folder / "index.html"
    write_atomic(page, render(frame, sections, notes))
    return Built(page, "\n".join(texts), notes)


def markdown(title: str, part: Table) -> str:
    """A table with its notes and caption, as Markdown."""
    head = "| " + " | ".join(part.shown.columns) + " |\n|" + "---|" * len(part.shown.columns)
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in part.shown.to_numpy()]
    notes = "\n".join(f"- {note}" for note in part.notes)
    return "\n".join([f"## {title}", "", head, *lines, "", *([notes, ""] if notes else []), part.caption, ""])


def _keep(base: Path, title: str, part: Table | Drawn | Missing) -> Section:
    if isinstance(part, Missing):
        return Section(base.name, title, missing=part.reason)
    write_atomic(base.with_suffix(".csv"), part.data.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
    if isinstance(part, Table):
        write_atomic(base.with_suffix(".md"), markdown(title, part))
        return Section(base.name, title, caption=part.caption, table=part.shown, notes=part.notes)
    png, svg = io.BytesIO(), io.BytesIO()
    part.figure.savefig(png, format="png")
    part.figure.set_layout_engine("none")  # the places found for the PNG hold: finding them is half the time
    part.figure.savefig(svg, format="svg", metadata={"Date": None})
    write_atomic(base.with_suffix(".png"), png.getvalue())
    write_atomic(base.with_suffix(".svg"), svg.getvalue())
    return Section(base.name, title, caption=part.caption, png=png.getvalue())
