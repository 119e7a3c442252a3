"""The report of any state of a sweep is drawn without an error or a warning."""

import math
import warnings
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from bnlab.report.interface import Drawn, Missing, modules
from bnlab.report.page import render
from bnlab.report.reading import read
from bnlab.report.style import RC

STATUSES = ("complete", "complete", "complete", "diverged", "failed", "running", "refused")
LOSSES = (2.0, 1.0, 0.5, 0.0, 1e30, math.nan, math.inf)


def some_study(study: Any, rng: np.random.Generator) -> None:
    rates = rng.choice([0.01, 0.1, 1.0, 10.0], rng.integers(1, 4), replace=False)
    study.run(status="running", val=None)  # at least one
    for norm in rng.choice(["none", "batch", "layer"], rng.integers(1, 4), replace=False):
        for place in rng.choice(["before_act", "after_act"], rng.integers(1, 3), replace=False):
            for lr in rates:
                for seed in range(rng.integers(0, 4)):
                    writer = study.run(
                        str(norm),
                        float(lr),
                        seed,
                        val=None if rng.random() < 0.1 else float(rng.random()),
                        status=str(rng.choice(STATUSES)),
                        losses=rng.choice(LOSSES, rng.integers(0, 5)).tolist(),
                        curve=rng.random(rng.integers(0, 4)).tolist(),
                        axes={"placement": "" if norm == "none" else str(place)},
                    )
                    if rng.random() < 0.6:
                        record(writer, rng)


def record(writer: Any, rng: np.random.Generator) -> None:
    kinds = ("before_act", "weight")
    writer.append("sites", [{"site": kind, "depth": 0, "kind": kind} for kind in kinds])
    steps = (0, 5)[: rng.integers(1, 3)]
    norms = [{"step": step, "site": "weight", "value": float(rng.choice(LOSSES))} for step in steps]
    writer.append("layers", [row | {"diagnostic": "weight_grad_norm"} for row in norms])
    bins = [
        {"step": step, "site": "before_act", "left": left, "right": left + 1} for step in steps for left in range(3)
    ]
    writer.append("histograms", [row | {"quantity": "activation", "count": int(rng.integers(0, 3))} for row in bins])
    writer.close()


@pytest.mark.parametrize("number", [2, 5, 65, 217])
def test_every_part_is_drawn_or_says_why_not(study: Any, number: int) -> None:
    some_study(study, np.random.default_rng(number))
    with warnings.catch_warnings(), mpl.rc_context(RC):
        warnings.simplefilter("error")
        frame = read([study.folder], 0.9, 0.05)
        for module in modules("figures").values():
            part = module.draw(frame)
            assert isinstance(part, Drawn | Missing)
            if isinstance(part, Drawn):
                part.figure.draw_without_rendering()
        for module in modules("tables").values():
            module.table(frame)
        render(frame, [], [])
