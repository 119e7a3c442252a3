"""Escaping of names in files that other programs open."""

import io

import pandas as pd
import pytest

from bnlab.report.escaping import as_markdown, as_xml, clipped
from bnlab.report.forms import csv


def test_names_come_back_and_numbers_are_numbers() -> None:
    table = pd.DataFrame({"norm": ["=a", "-1", "b"], "=x": [1.5, -2.5, 0.0], "mixed": [-1, None, "@y"]})
    back = pd.read_csv(io.BytesIO(csv(table)))
    assert back["norm"].str.removeprefix("'").tolist() == ["=a", "-1", "b"]
    assert back["'=x"].tolist() == [1.5, -2.5, 0.0]
    assert back["mixed"].tolist()[::2] == ["-1", "'@y"]


def test_learning_rates_have_all_their_digits() -> None:
    rates = [0.1, 0.30000000000000004, 0.3, 1e-100]
    table = pd.DataFrame({"lr": rates, "best_lr": rates, "loss": rates})
    back = pd.read_csv(io.BytesIO(csv(table)))
    assert back["lr"].tolist() == rates
    assert back["best_lr"].tolist() == rates
    assert csv(table).splitlines()[1] == b"0.1,0.1,0.1"
    assert csv(table).splitlines()[2].endswith(b",0.3")


MARKDOWN = {
    "HTML": ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
    "an image of HTML": ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"),
    "an entity": ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
    "a numbered entity": ("&#60;b", "&amp;#60;b"),
    "an and": ("Wu & He", "Wu & He"),
    "a bound": ("> 20 (1/3)", "> 20 (1/3)"),
    "a column": ("a|b", r"a\|b"),
    "a column behind a backslash": (r"a\|b", r"a\\\|b"),
    "code": ("`x`", r"\`x\`"),
    "an image": ("![x](http://host/y.png)", r"![x]\(http://host/y.png)"),
    "a link": ("[x](javascript:y)", r"[x]\(javascript:y)"),
    "a case": ("it is so [mlp]", "it is so [mlp]"),
    "a new row": ("a\n| b |", r"a \| b \|"),
    "a separator of lines": ("a\u2028b\x0bc\x85d", "a b c d"),
    "a backslash at the end": ("a\\", "a\\\\"),
    "emphasis": ("*b* _i_ ~~s~~", "\\*b\\* \\_i\\_ \\~\\~s\\~\\~"),
    "a formula": ("$x_1$", "\\$x_1\\$"),
    "an underscore within a word": ("batch_size", "batch_size"),
}


@pytest.mark.parametrize(("text", "expected"), MARKDOWN.values(), ids=MARKDOWN)
def test_nothing_acts_in_markdown(text: str, expected: str) -> None:
    assert as_markdown(text) == expected


def test_xml_and_length() -> None:
    assert as_xml("a\ufffeb\uffffc\ufdd0") == "a\ufffdb\ufffdc\ufffd"
    assert clipped("short") == "short"
    assert clipped("a" * 50 + "b" * 50, 10) == "aaaaaa…bbb"
    assert len(clipped("x" * 1000)) == 60
