"""A table as CSV, as Markdown and as LaTeX.

CSV files are meant for spreadsheets too: text that one would take for a formula begins with a single quote, in cells
and in the names of columns (`runs.cell.inert`; numbers never do). What reads names back drops it:

    table["norm"].str.removeprefix("'")
"""

import math
import re
from collections.abc import Sequence

import pandas as pd

from bnlab.report.condition import LR
from bnlab.report.escaping import as_markdown
from bnlab.report.parts import Table
from bnlab.runs.cell import inert

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$",
    "·": r"$\cdot$", "−": "$-$", "–": "--", "Δ": r"$\Delta$", "√": r"$\surd$", "∞": r"$\infty$", "→": r"$\to$",
    "γ": r"$\gamma$", "β": r"$\beta$", "σ": r"$\sigma$", "μ": r"$\mu$", "ε": r"$\varepsilon$",
}  # fmt: skip


def csv(data: pd.DataFrame) -> bytes:
    """Numbers with 9 digits, learning rates with all of theirs; the same numbers give the same bytes."""
    words = [name for name in data.columns if not pd.api.types.is_numeric_dtype(data[name])]
    rates = [name for name in data.columns if name == LR or f"_{name}".endswith("_lr")]
    exact = {name: data[name].map(_digits) for name in rates}
    safe = data.assign(**{name: data[name].map(inert) for name in words} | exact).rename(columns=inert)
    return safe.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode()


def _digits(rate: float | None) -> str | None:
    """A learning rate with as many digits as it takes to tell it from every other."""
    if rate is None or math.isnan(rate):
        return None
    short = f"{rate:.9g}"
    return short if float(short) == rate else repr(float(rate))


def markdown(title: str, part: Table) -> str:
    """A table with its notes and caption."""
    rows = [list(part.shown.columns), *part.shown.to_numpy().tolist()]
    head, *lines = ("| " + " | ".join(map(as_markdown, row)) + " |" for row in rows)
    notes = "\n".join(f"- {as_markdown(note)}" for note in part.notes)
    rule = "|" + "---|" * len(part.shown.columns)
    caption = as_markdown(part.caption)
    return "\n".join([f"## {title}", "", head, rule, *lines, "", *([notes, ""] if notes else []), caption, ""])


def latex(name: str, title: str, part: Table) -> str:
    """A table environment with booktabs' rules, the notes below it; a wide table is shrunk to the line.

    Label: tab:<name>. What an 8-bit LaTeX cannot set (letters beyond Latin) becomes a question mark.
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
    """Any text for LaTeX."""
    return "".join(_LATEX.get(letter, letter if ord(letter) < 0x180 else "?") for letter in " ".join(text.split()))
