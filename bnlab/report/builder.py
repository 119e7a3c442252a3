"""Write a report's folder: tables, figures with their data, and the page."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

from bnlab.report.escaping import clipped
from bnlab.report.figure_text import quiet
from bnlab.report.forms import csv, latex, markdown
from bnlab.report.interface import Drawn, Missing, Table, modules
from bnlab.report.output_folder import choose_folder
from bnlab.report.page import Section, render
from bnlab.report.picture import encoded
from bnlab.report.reading import read
from bnlab.report.recorded_options import recorded_options
from bnlab.report.result import Built, Verdict
from bnlab.report.run_table import listing
from bnlab.report.style import RC
from bnlab.report.summary import left_out, outlived, warnings
from bnlab.text import printable

_SUFFIXES = {"tables": ("csv", "md", "tex"), "figures": ("csv", "png", "svg", "pdf")}
_FEW = 3  # missing parts that a note names
_LONGEST = 120  # characters per cell of a shown table


@dataclass(frozen=True)
class Request:
    """The arguments of `bnlab.report.build`."""

    studies: tuple[Path, ...]
    target: float
    tolerance: float
    out: Path | None
    pdf: bool
    verdicts: tuple[Verdict, ...]
    command: str
    remark: str
    notes: tuple[str, ...]


def write_report(request: Request) -> Built:
    """Write the report's files, see `bnlab.report.build`."""
    studies = {study.resolve(): study for study in reversed(request.studies)}  # each once, under its first name
    folders = list(reversed(studies.values()))
    frame = read(folders, request.target, request.tolerance)
    place = choose_folder(folders, request.out, _names())
    sections = []
    for room, suffixes in _SUFFIXES.items():
        for name, module in modules(room).items():
            with mpl.rc_context(RC), quiet():
                part = module.table(frame) if room == "tables" else module.draw(frame)
                part = _brief(part)
                files = _files(name, module.TITLE, part, pdf=request.pdf)
            paths = {suffix: f"{room}/{name}.{suffix}" for suffix in suffixes}
            for suffix, content in files.items():
                place.write(paths[suffix], content)
            place.remove(path for suffix, path in paths.items() if suffix not in files)
            here = tuple(paths[suffix] for suffix in files)
            sections.append(Section(name, module.TITLE, module.ORDER, part, here, files.get("png", b"")))
    sections.sort(key=lambda section: section.order)
    place.write("runs.csv", csv(listing(frame)))
    verdicts, gone = outlived(frame, [_clean(one) for one in request.verdicts])
    settings = recorded_options(frame.source.folders.values())
    frame.damaged.update(settings.damaged)
    notes = [*map(printable, request.notes), *left_out(frame), *gone, *warnings(frame)]
    if request.remark:
        notes.insert(0, printable(request.remark))
    text = render(frame, sections, notes, verdicts, printable(request.command), settings.settings)
    page = place.write("index.html", text)
    tables = [markdown(one.title, one.part) for one in sections if isinstance(one.part, Table)]
    missing = [one.title for one in sections if isinstance(one.part, Missing)]
    if missing:
        few = "; ".join(missing[:_FEW]) + (" …" if len(missing) > _FEW else "")
        notes.append(f"{len(missing)} tables and figures not shown (reasons on the page): {few}")
    return Built(page, tables[0] if tables else "", notes)


def _names() -> list[str]:
    """Return the names of all files that a report may have, except report.json."""
    parts = [f"{room}/{name}.{end}" for room, ends in _SUFFIXES.items() for name in modules(room) for end in ends]
    return ["index.html", "runs.csv", *parts]


def _brief(part: Table | Drawn | Missing) -> Table | Drawn | Missing:
    """Return a part with long cells and column names shortened in the shown table; its data keeps them."""
    if not isinstance(part, Table):
        return part
    shown = part.shown.map(lambda cell: clipped(cell, _LONGEST))
    return part._replace(shown=shown.rename(columns=lambda name: clipped(name, _LONGEST)))


def _clean(verdict: Verdict) -> Verdict:
    *words, runs = verdict
    return Verdict._make([*map(printable, words), tuple(map(printable, runs))])


def _files(name: str, title: str, part: Table | Drawn | Missing, *, pdf: bool) -> dict[str, bytes]:
    """Return the contents of a part's files by suffix."""
    if isinstance(part, Missing):
        return {}
    files = {"csv": csv(part.data)}
    if isinstance(part, Table):
        return files | {"md": markdown(title, part).encode(), "tex": latex(name, title, part).encode()}
    return files | encoded(part.figure, "png", "svg", *(["pdf"] if pdf else []))
