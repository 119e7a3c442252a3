"""Builds a report's folder: tables, figures with the numbers behind them, and the page."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

from bnlab.errors import BadInput
from bnlab.report import Built, Verdict
from bnlab.report.forms import csv, latex, markdown
from bnlab.report.frame import read
from bnlab.report.page import Section, render
from bnlab.report.parts import Drawn, Missing, Table, modules
from bnlab.report.run_table import listing
from bnlab.report.style import RC
from bnlab.report.summary import unreadable, warnings
from bnlab.runs.atomic import write_atomic

_SUFFIXES = {"tables": ("csv", "md", "tex"), "figures": ("csv", "png", "svg", "pdf")}
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same numbers give the same files
_FEW = 3  # of what is missing, by name
_LONGEST = 100  # characters of the studies' names in a folder's name


@dataclass(frozen=True)
class Request:
    """What was asked for, see `bnlab.report.build`."""

    studies: tuple[Path, ...]
    target: float
    tolerance: float
    out: Path | None
    pdf: bool
    verdicts: tuple[Verdict, ...]
    command: str
    remark: str


def write_report(request: Request) -> Built:
    """See `bnlab.report.build`."""
    frame = read(request.studies, request.target, request.tolerance)
    folder = request.out or _place(request.studies)
    if folder.is_file() or (folder / "run.json").exists():
        raise BadInput(f"a report cannot go to {folder}, which is a {'file' if folder.is_file() else 'run'}: --out DIR")
    sections = []
    for room, suffixes in _SUFFIXES.items():
        (folder / room).mkdir(parents=True, exist_ok=True)
        for name, module in modules(room).items():
            with mpl.rc_context(RC):
                part = module.table(frame) if room == "tables" else module.draw(frame)
                files = _files(name, module.TITLE, part, pdf=request.pdf)
            for suffix in suffixes:
                path = folder / room / f"{name}.{suffix}"
                if suffix in files:
                    write_atomic(path, files[suffix])
                else:  # an earlier report's would pass for this one's
                    path.unlink(missing_ok=True)
            paths = tuple(f"{room}/{name}.{suffix}" for suffix in files)
            sections.append(Section(name, module.TITLE, module.ORDER, part, paths, files.get("png", b"")))
    sections.sort(key=lambda section: section.order)
    write_atomic(folder / "runs.csv", csv(listing(frame)))
    page, notes = folder / "index.html", [*unreadable(frame), *warnings(frame)]
    if request.remark:
        notes.insert(0, request.remark)
    write_atomic(page, render(frame, sections, notes, request.verdicts, request.command))
    tables = [markdown(one.title, one.part) for one in sections if isinstance(one.part, Table)]
    missing = [one.title for one in sections if isinstance(one.part, Missing)]
    if missing:
        few = "; ".join(missing[:_FEW]) + (" …" if len(missing) > _FEW else "")
        notes.append(f"{len(missing)} tables and figures not shown, the page says why: {few}")
    return Built(page, tables[0] if tables else "", notes)


def _place(studies: Sequence[Path]) -> Path:
    if len(studies) == 1:
        return studies[0] / "report"
    names = "_".join(study.resolve().name for study in studies)
    return studies[0].resolve().parent / f"report_{names[:_LONGEST]}"


def _files(name: str, title: str, part: Table | Drawn | Missing, *, pdf: bool) -> dict[str, bytes]:
    """The content of a part's files, by suffix."""
    if isinstance(part, Missing):
        return {}
    files = {"csv": csv(part.data)}
    if isinstance(part, Table):
        return files | {"md": markdown(title, part).encode(), "tex": latex(name, title, part).encode()}
    _take_names_as_written(part.figure)
    for form in ("png", "svg", *(["pdf"] if pdf else [])):
        buffer = io.BytesIO()
        part.figure.savefig(buffer, format=form, metadata=_UNDATED.get(form))
        part.figure.set_layout_engine("none")  # the places found for the PNG hold: finding them is half the time
        files[form] = buffer.getvalue()
    return files


def _take_names_as_written(figure: Figure) -> None:
    """Let no text be read as a formula, where a config's name holds two dollars, but for the powers on log axes."""
    for axes in figure.axes:
        axes.get_xticklabels(which="both")  # their texts are made when they are asked for
        axes.get_yticklabels(which="both")
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if "$" in text.get_text() and not text.get_text().startswith("$\\mathdefault"):
            text.set_parse_math(False)
