"""An inconsistent table of a run is left out, and nothing else."""

from typing import Any

import pandas as pd
import pytest

from bnlab.report.consistency import consistent
from bnlab.report.reading import read
from bnlab.report.summary import left_out

BIN = {"step": 0, "site": "a", "quantity": "activation", "left": 0.0, "right": 1.0, "count": 3}
STEP = {"step": 1, "epoch": 0.1, "examples": 4, "lr": 0.1, "loss": 1.0}
EVAL = {"step": 1, "epoch": 1.0, "split": "val", "mode": "running", "loss": 1.0, "accuracy": 0.5, "n": 4}
LAYER = {"step": 1, "site": "a", "diagnostic": "stable_rank", "index": "", "value": 1.0}
SITE = {"site": "a", "unit": "u", "depth": 0, "kind": "weight", "shape": "4"}

ODD: dict[str, tuple[str, list[dict[str, Any]], str]] = {
    "a step twice": ("steps", [STEP, STEP], "steps do not increase"),
    "steps backwards": ("steps", [STEP | {"step": 5}, STEP], "steps do not increase"),
    "no step": ("steps", [STEP | {"step": None}], "a row has no step"),
    "an epoch beyond all": ("steps", [STEP | {"epoch": 1e200}], "epoch is 1e+100 or more"),
    "seconds beyond all": ("steps", [STEP | {"seconds": -1e200}], "seconds is 1e+100 or more"),
    "an evaluation twice": ("evals", [EVAL, EVAL | {"accuracy": 0.9}], "an evaluation is repeated"),
    "an evaluation without a step": ("evals", [EVAL | {"step": None}], "a row has no step"),
    "a site twice": ("sites", [SITE, SITE | {"depth": 3}], "a site is repeated"),
    "a site without depth": ("sites", [SITE | {"depth": None}], "a site has no depth"),
    "a look without a step": ("layers", [LAYER | {"step": None}], "a row has no step"),
    "a percentile in words": (
        "layers", [LAYER | {"diagnostic": "activation_percentile", "index": "half"}], "a row has a non-numeric index",
    ),
    "a probe at infinity": (
        "layers", [LAYER | {"diagnostic": "landscape_loss", "index": "inf"}], "a row has a non-numeric index",
    ),
    "a bin the wrong way round": ("histograms", [BIN | {"left": 2.0}], "a bin ends before it begins"),
    "a bin without an end": ("histograms", [BIN | {"right": None}], "a bin ends before it begins"),
    "a bin without a count": ("histograms", [BIN | {"count": None}], "a bin has no count"),
    "a bin twice": ("histograms", [BIN, BIN], "bins overlap"),
    "bins that overlap": ("histograms", [BIN, BIN | {"left": 0.5, "right": 1.5}], "bins overlap"),
}  # fmt: skip

FINE: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a loss that is not finite": ("steps", [STEP, STEP | {"step": 2, "loss": float("nan")}]),
    "modes of one step": ("evals", [EVAL, EVAL | {"mode": "batch"}, EVAL | {"split": "test"}]),
    "an index in words": ("layers", [LAYER | {"diagnostic": "kept_bytes", "index": "Linear"}]),
    "bins about a large number, of nine digits": (
        "histograms", [BIN | {"left": 1e12, "right": 1e12}, BIN | {"left": 1e12, "right": 1e12}],
    ),
    "bins out of order": ("histograms", [BIN | {"left": 1.0, "right": 2.0}, BIN]),
    "two looks": ("histograms", [BIN, BIN | {"step": 3}]),
}  # fmt: skip


def tables(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {"seconds": None} | rows[0]
    every = [
        dict.fromkeys(columns) | row | {"run_id": run_id}
        for run_id, mine in (("a", rows[:1]), ("b", rows))
        for row in mine
    ]
    numbers = [
        name
        for name in columns
        if name not in ("site", "quantity", "split", "mode", "diagnostic", "index", "unit", "kind", "shape")
    ]
    return pd.DataFrame(every).astype(dict.fromkeys(numbers, "float64"))


@pytest.mark.parametrize(("table", "rows", "reason"), ODD.values(), ids=ODD)
def test_the_runs_table_is_named_and_left_out(table: str, rows: list[dict[str, Any]], reason: str) -> None:
    found, reasons = consistent(tables([*rows]), table)
    assert reasons["b"] == reason
    assert "b" not in set(found["run_id"])
    if len(rows) > 1:
        assert list(reasons) == ["b"]
        assert found["run_id"].tolist() == ["a"]


@pytest.mark.parametrize(("table", "rows"), FINE.values(), ids=FINE)
def test_what_runs_really_leave_is_kept(table: str, rows: list[dict[str, Any]]) -> None:
    every = tables(rows)
    found, reasons = consistent(every, table)
    assert reasons == {}
    assert found is every


def test_a_frame_names_it_once_and_keeps_the_others(study: Any) -> None:
    whole = study.run("none", losses=[2.0, 1.0])
    odd = study.run("batch", losses=[2.0, 1.0])
    steps = odd.folder / "steps.csv"
    steps.write_text(steps.read_text() + "1,0.1,64,0.1,1.0,,1.0,1\n")
    torn = study.run("layer", losses=[2.0, 1.0]).folder / "steps.csv"
    torn.write_text(torn.read_text().replace("64", "sixty"))
    frame = read([study.folder], 0.9, 0.05)
    assert left_out(frame) == []  # nothing has been read yet
    assert frame.table("steps")["run_id"].tolist() == [whole.folder.name] * 2
    assert frame.table("steps") is frame.table("steps")
    assert len(frame.runs) == 3
    lines = sorted(left_out(frame))
    assert lines[0] == f"left out: {steps} is damaged (steps do not increase)"
    assert lines[1].startswith(f"left out: {torn} is damaged (")
    assert len(lines) == 2
