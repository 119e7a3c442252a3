"""The gap between train and test accuracy is taken within each run."""

from typing import Any

import pytest

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.train_test_gap import table


def test_the_gap_is_paired_within_a_run(study: Any) -> None:
    for seed, test in enumerate((0.5, 0.7, 0.9)):
        study.run("batch", seed=seed, val=0.8, test=test, train=test + 0.1)
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    (shown,), (data,) = found.shown.to_dict("records"), found.data.to_dict("records")
    assert (shown["train accuracy"], shown["test accuracy"]) == ("0.800 ± 0.497", "0.700 ± 0.497")
    assert shown["gap"] == "+0.100 ± 0.000"
    assert (data["gap"], data["gap_high"]) == (pytest.approx(0.1), pytest.approx(0.1))


def test_runs_whose_train_accuracy_was_not_measured(study: Any) -> None:
    study.run("batch", val=0.8)
    assert table(read([study.folder], 0.9, 0.05)) == Missing("no complete run has both a train and a test accuracy")
