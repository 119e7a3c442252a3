"""Extreme numbers and names: every part is drawn without a warning, or says why not."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from bnlab.report.escaping import clipped
from bnlab.report.figures import accuracy_vs_lr, heat_map, loss_curves, memory, paired_differences
from bnlab.report.forms import csv, latex, markdown
from bnlab.report.interface import Drawn, Table
from bnlab.report.page import render
from bnlab.report.reading import read

LONG = "n" * 300
LAID_OUT = {"accuracy_vs_lr", "loss_curves", "activation_histograms", "landscape"}  # laying out takes most of the time
Fill = Callable[[Any, Any], Any]


def scaled(scale: float) -> Fill:
    """Write two conditions of two seeds whose measured numbers have this size."""
    return lambda study, observe: [
        observe(study, norm, seed=seed, scale=scale) for norm in ("none", "batch") for seed in (0, 1)
    ]


def axis(*values: Any) -> Fill:
    """Write an axis with these values, at two rates each."""
    return lambda study, observe: [
        observe(study, "batch", lr, axes={"norm.eps": value}) for value in values for lr in (0.1, 1.0)
    ]


def rates(*values: float) -> Fill:
    """Write two conditions at these rates."""
    return lambda study, observe: [observe(study, norm, lr) for norm in ("none", "batch") for lr in values]


def ended(**facts: Any) -> Fill:
    """Write two conditions whose runs have these facts."""
    return lambda study, observe: [observe(study, norm, **facts) for norm in ("none", "batch")]


def metrics(**values: Any) -> Fill:
    """Write three seeds with only these metrics."""

    def fill(study: Any, observe: Any) -> None:
        for seed in range(3):
            observe(study, seed=seed).update(metrics=values)

    return fill


STUDIES: dict[str, Fill] = {
    "one run": lambda study, observe: observe(study),
    "none finished": ended(status="running"),
    "all refused": ended(status="refused", cause="x"),
    "all diverged": ended(status="diverged", diverged_at=2**62),
    "classes null": ended(classes=None),
    "one class": ended(classes=1),
    "costs of nothing": ended(cost={"update_seconds": 0.0, "examples_per_second": "inf", "peak_bytes": -1.0}),
    "seconds null": lambda study, observe: observe(study).update(seconds=None),
    "losses of infinity": metrics(val_loss=float("inf"), train_loss=float("-inf")),
    "metrics of nan": metrics(val_accuracy=float("nan"), val_loss=float("nan"), train_loss=1e308),
    "zero": scaled(0.0),
    "negative": scaled(-1.0),
    "1e300": scaled(1e300),
    "1e-320": scaled(1e-320),
    "axis: zero and negative": axis(0, -1, -2.5),
    "axis: huge and tiny": axis(1e300, -1e300, 1e-300),
    "axis: alike": axis(1, 1.0, True, "1", None),
    "axis: lists": axis([1, 2], [1, [2]]),
    "rates: alike in 15 digits": rates(0.3, 0.30000000000000004),
    "rates: 200 decades": rates(1e-100, 1.0, 1e100),
    "rates: whole": rates(1, 2**62),
}


THIRDS = [0, *(pytest.param(n, marks=pytest.mark.exhaustive) for n in (1, 2))]


@pytest.mark.parametrize("third", THIRDS)
@pytest.mark.parametrize("name", STUDIES)
def test_every_part_is_drawn_or_says_why_not(name: str, third: int, study: Any, observe: Any, draw_all: Any) -> None:
    """Each study draws a third of the parts, each part for a third of the studies; `make contracts` draws all."""
    STUDIES[name](study, observe)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = read([study.folder], 0.9, 0.05)
        parts = draw_all(frame, LAID_OUT, list(STUDIES).index(name) + third, 3)
        page = render(frame, [], [])
    for name, part in parts.items():
        if isinstance(part, Table):
            markdown(name, part)
            latex(name, name, part)
        if isinstance(part, Table | Drawn):
            csv(part.data)
    assert "</html>" in page
    assert len({one.label for one in frame.conditions}) == len(frame.conditions)


NAMES = {
    "a dollar": "$", "a formula": "$x$", "a broken power": r"$\mathdefault{\frac$", "a backslash": "\\",
    "a percent": "%", "an underscore": "_", "it begins with one": "_x", "a brace": "{", "right to left": "عربي",
    "an emoji": "😀", "Chinese": "漢字" * 20, "a script": "</script><b>", "quotes": "\"'`", "an override": "a\u202eb",
    "a separator of lines": "a\u2028b", "a separator of labels": "a · b", "no character": "a\ufffe\uffff", "long": LONG,
    "10,000 letters": "x" * 10_000, "a line break": "a\nb",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_are_drawn_as_they_are(name: str, study: Any, observe: Any) -> None:
    from tests.report.conftest import laid_out

    for norm in (name, "none"):
        for lr in (0.1, 1.0):
            observe(study, norm, lr, axes={"model": name, "norm.eps": lr})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = read([study.folder], 0.9, 0.05)
        for module in (accuracy_vs_lr, heat_map, memory, paired_differences, loss_curves):
            drawn = laid_out(module, frame)
            assert isinstance(drawn, Drawn)
            csv(drawn.data)
        page = render(frame, [], [])
    assert page.count("<script") == 2
    assert "\u202e" not in page
    names = [text.get_text().strip() for text in drawn.figure.legends[0].get_texts()] if drawn.figure.legends else []
    assert len(names) in (0, len(frame.finished))


def test_hundreds_of_conditions_with_long_names(study: Any, observe: Any) -> None:
    from tests.report.conftest import laid_out

    for number in range(200):
        study.run("batch", axes={"model": f"{LONG}{number}", "data": f"{LONG}{number % 3}"}, losses=[2.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = read([study.folder], 0.9, 0.05)
        for module in (accuracy_vs_lr, paired_differences, loss_curves):
            laid_out(module, frame)
    assert all(len(one.label) <= 100 for one in frame.conditions)
    assert clipped(LONG) != LONG
