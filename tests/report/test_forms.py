"""A table as Markdown and LaTeX."""

import pandas as pd
import pytest

from bnlab.report.forms import csv, escaped, latex, markdown
from bnlab.report.interface import Table

TABLE = Table(
    pd.DataFrame({"norm": ["a_b"], "x": [1 / 3]}),
    pd.DataFrame({"norm": ["a_b|c", "50 % & $x$"], "val accuracy": ["0.9 ± 0.1", "≥ 1"]}),
    "Caption with 90 % of {things} at <lr>.",
    ["note #1: ~\\"],
)


def test_markdown() -> None:
    assert markdown("Title", TABLE).splitlines() == [
        "## Title", "", "| norm | val accuracy |", "|---|---|", "| a_b\\|c | 0.9 ± 0.1 |", "| 50 % & \\$x\\$ | ≥ 1 |",
        "",
        "- note #1: \\~\\\\", "", "Caption with 90 % of {things} at &lt;lr&gt;.",
    ]  # fmt: skip


def test_latex_has_booktabs_and_escapes_everything() -> None:
    lines = latex("lr_sensitivity", "Title", TABLE).splitlines()
    assert r"\label{tab:lr-sensitivity}" in lines
    assert r"\caption{Title. Caption with 90 \% of \{things\} at \textless{}lr\textgreater{}.}" in lines
    assert lines[lines.index(r"\toprule") :] == [
        r"\toprule", r"norm & val accuracy \\", r"\midrule", r"a\_b\textbar{}c & 0.9 $\pm$ 0.1 \\",
        r"50 \% \& \$x\$ & $\geq$ 1 \\", r"\bottomrule", r"\end{tabular}}",
        r"\par\smallskip\footnotesize note \#1: \textasciitilde{}\textbackslash{}.", r"\end{table}",
    ]  # fmt: skip


def test_what_latex_cannot_set_is_a_question_mark_and_a_line_break_a_space() -> None:
    assert escaped("é ラ\n\\input{x}") == r"é ? \textbackslash{}input\{x\}"


def test_csv_has_nine_digits() -> None:
    assert csv(TABLE.data) == b"norm,x\na_b,0.333333333\n"


@pytest.mark.parametrize(
    ("name", "row"), [("[red]q", r"{}[red]q & 1 \\"), ("*b*", r"{}*b* & 1 \\"), ("b", r"b & 1 \\")]
)
def test_a_row_is_no_argument_of_the_line_break_before_it(name: str, row: str) -> None:
    part = Table(pd.DataFrame(), pd.DataFrame({"norm": [name], "lr": ["1"]}), "", [])
    assert row in latex("x", "Title", part).splitlines()
