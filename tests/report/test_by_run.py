"""Rows of some runs."""

import pandas as pd

from bnlab.report.by_run import ByRun

TABLE = pd.DataFrame({"run_id": ["b", "a", "b", "c"], "step": [0, 0, 1, 0]})


def test_rows_of_some_runs_in_their_order() -> None:
    found = ByRun(TABLE).of(["c", "b", "unknown"])
    assert found.to_numpy().tolist() == [["c", 0], ["b", 0], ["b", 1]]


def test_runs_without_rows() -> None:
    found = ByRun(TABLE).of(["unknown"])
    assert len(found) == 0
    assert list(found.columns) == ["run_id", "step"]
