"""A table as CSV, as Markdown and as LaTeX.

CSV files are meant for spreadsheets too: text that a spreadsheet would read as a formula gets a leading single quote,
in cells and in column names (`runs.cell.inert`; numbers never do). To read names back, remove it:

    table["norm"].str.removeprefix("'")
"""

import math
import re
from collections.abc import Sequence

import pandas as pd

from bnlab.report.condition import LR
from bnlab.report.escaping import as_markdown
from bnlab.report.interface import Table
from bnlab.runs.cell import inert

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$",
    "·": r"$\cdot$", "−": "$-$", "–": "--", "Δ": r"$\Delta$", "√": r"$\surd$", "∞": r"$\infty$", "→": r"$\to$",
    "γ": r"$\gamma$", "β": r"$\beta$", "σ": r"$\sigma$", "μ": r"$\mu$", "ε": r"$\varepsilon$",
}  # fmt: skip


def csv(data: pd.DataFrame) -> bytes:
    """Return CSV with 9 digits per number and all digits of learning rates; equal numbers give equal bytes."""
    words = [name for name in data.columns if not pd.api.types.is_numeric_dtype(data[name])]
    rates = [name for name in data.columns if name == LR or f"_{name}".endswith("_lr")]
    exact = {name: data[name].map(_digits) for name in rates}
    safe = data.assign(**{name: data[name].map(inert) for name in words} | exact).rename(columns=inert)
    return safe.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode()


def _digits(rate: float | None) -> str | None:
    """Return a learning rate with as many digits as distinguish it from every other float."""
    if rate is None or math.isnan(rate):
        return None
    short = f"{rate:.9g}"
    return short if float(short) == rate else repr(float(rate))


def markdown(title: str, part: Table) -> str:
    """Return a table with its notes and caption as Markdown."""
    rows = [list(part.shown.columns), *part.shown.to_numpy().tolist()]
    head, *lines = ("| " + " | ".join(map(as_markdown, row)) + " |" for row in rows)
    notes = "\n".join(f"- {as_markdown(note)}" for note in part.notes)
    rule = "|" + "---|" * len(part.shown.columns)
    caption = as_markdown(part.caption)
    return "\n".join([f"## {title}", "", head, rule, *lines, "", *([notes, ""] if notes else []), caption, ""])


def latex(name: str, title: str, part: Table) -> str:
    """Return a table environment with booktabs rules and the notes below; a wide table is shrunk to the line width.

    Label: tab:<name>. Characters that an 8-bit LaTeX cannot set (beyond Latin) become question marks.
    """
    rows = [list(part.shown.columns), *part.shown.to_numpy().tolist()]
    head, *lines = (_row(list(map(escaped, row))) for row in rows)
    notes = [rf"\par\smallskip\footnotesize {escaped(note)}." for note in part.notes]
    return "\n".join(
        [
            r"% \usepackage[T1]{fontenc} \usepackage{booktabs,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(title)}. {escaped(part.caption)}}}",
            rf"\label{{tab:{re.sub('[^a-z0-9-]', '-', name)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{'l' * len(part.shown.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            *notes,
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    r"""Return a row of a tabular; a [ or * at its start would be an argument of the \\ before it."""
    start = "{}" if cells[0].startswith(("[", "*")) else ""
    return start + " & ".join(cells) + r" \\"


def escaped(text: str) -> str:
    """Return any text escaped for LaTeX."""
    return "".join(_LATEX.get(letter, letter if ord(letter) < 0x180 else "?") for letter in " ".join(text.split()))
