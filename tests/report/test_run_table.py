"""The table of single runs, as CSV and for the page's script."""

import json
import math
from typing import Any

from bnlab.report.reading import read
from bnlab.report.run_table import as_json, listing


def test_one_row_a_run_by_condition_rate_and_seed(study: Any) -> None:
    study.run("batch", 1.0, 1, command=None)
    study.run("batch", 1.0, 0)
    study.run("none", 0.1, status="failed", cause="out of memory")
    found = listing(read([study.folder], 0.9, 0.05))
    assert found[["condition", "lr", "seed"]].to_numpy().tolist() == [
        ["none", 0.1, 0],
        ["batch", 1, 0],
        ["batch", 1, 1],
    ]
    assert found["run"][found["condition"] == "none"].tolist() == ["synthetic/run0003"]
    assert found["cause"].tolist() == ["out of memory", "", ""]
    assert found["command"].tolist()[-1] == ""


def test_json_has_no_character_that_html_knows(study: Any) -> None:
    cause = "</script><script>alert(1)</script> & <!-- \"'"
    study.run("batch", status="failed", cause=cause)
    text = as_json(read([study.folder], 0.9, 0.05))
    assert not set("<>&") & set(text)
    found = json.loads(text)
    names = [column["name"] for column in found["columns"]]
    (row,) = found["rows"]
    assert row[names.index("cause")] == cause
    assert row[names.index("val accuracy")] is None


def test_what_is_not_finite_is_no_json_number(study: Any) -> None:
    writer = study.run("batch", status="diverged")
    writer.update(metrics={"val_accuracy": math.nan, "train_loss": math.inf})
    found = json.loads(as_json(read([study.folder], 0.9, 0.05)))
    names = [column["name"] for column in found["columns"]]
    (row,) = found["rows"]
    assert [row[names.index(name)] for name in ("val accuracy", "train loss")] == [None, "inf"]
