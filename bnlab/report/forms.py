"""A table as CSV, as Markdown and as LaTeX."""

import re

import pandas as pd

from bnlab.report.parts import Table

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$",
    "·": r"$\cdot$", "−": "$-$", "–": "--", "Δ": r"$\Delta$", "√": r"$\surd$", "∞": r"$\infty$", "→": r"$\to$",
    "γ": r"$\gamma$", "β": r"$\beta$", "σ": r"$\sigma$", "μ": r"$\mu$", "ε": r"$\varepsilon$",
}  # fmt: skip


def csv(data: pd.DataFrame) -> bytes:
    """Numbers with 9 digits; the same numbers give the same bytes."""
    return data.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode()


def markdown(title: str, part: Table) -> str:
    """A table with its notes and caption."""
    rows = [list(part.shown.columns), *part.shown.to_numpy().tolist()]
    head, *lines = ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    notes = "\n".join(f"- {note}" for note in part.notes)
    rule = "|" + "---|" * len(part.shown.columns)
    return "\n".join([f"## {title}", "", head, rule, *lines, "", *([notes, ""] if notes else []), part.caption, ""])


def latex(name: str, title: str, part: Table) -> str:
    """A table environment with booktabs' rules, the notes below it; a wide table is shrunk to the line.

    Label: tab:<name>. What an 8-bit LaTeX cannot set (letters beyond Latin) becomes a question mark.
    """
    rows = [list(part.shown.columns), *part.shown.to_numpy().tolist()]
    head, *lines = (" & ".join(map(escaped, row)) + r" \\" for row in rows)
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


def escaped(text: str) -> str:
    """Any text for LaTeX."""
    return "".join(_LATEX.get(letter, letter if ord(letter) < 0x180 else "?") for letter in " ".join(text.split()))
