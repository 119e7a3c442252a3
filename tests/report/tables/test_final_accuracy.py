"""Final accuracy and its paired difference, on studies with known answers."""

from typing import Any

import pytest

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.final_accuracy import table


def rows(study: Any) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    return found.shown.to_dict("records"), found.data.to_dict("records")


def test_differences_are_paired_by_seed_at_each_ones_best_rate(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.7, 0.9], 1.0: [0.1, 0.1, 0.1]})
    study.grid("batch", {0.1: [0.1, 0.1, 0.1], 1.0: [0.6, 0.8, 1.0]})
    (none, batch), data = rows(study)
    assert none["difference in test accuracy"] == "–"
    assert batch["difference in test accuracy"] == "+0.100 ± 0.000 (vs none)"  # though single accuracies are ± 0.497
    assert (none["lr"], batch["lr"]) == ("0.1", "1")
    assert batch["val accuracy"] == "0.800 ± 0.497"
    assert (data[1]["pairs"], data[1]["reference"]) == (3, "none")


def test_seeds_that_only_one_of_them_finished_are_in_no_pair(study: Any) -> None:
    study.grid("none", {0.1: [0.5, 0.5, "diverged"]})
    study.grid("batch", {0.1: [0.6, 0.8, 0.9]})
    (none, batch), data = rows(study)
    assert none["test accuracy"] == "0.500 ± 0.000 (1/3 diverged)"
    assert batch["difference in test accuracy"].startswith("+0.200 ± 1.271")
    assert data[1]["pairs"] == 2


def test_without_none_the_first_is_the_reference(study: Any) -> None:
    study.grid("batch", {0.1: [0.5, 0.6]})
    study.grid("layer", {0.1: [0.4, 0.6]})
    (batch, layer), _ = rows(study)
    assert batch["difference in test accuracy"] == "–"
    assert "(vs batch)" in layer["difference in test accuracy"]


def test_val_stands_in_where_nothing_was_tested(study: Any) -> None:
    for norm in ("none", "batch"):
        writer = study.run(norm, val=0.5)
        writer.update(metrics={"val_accuracy": 0.5})
    (_, batch), data = rows(study)
    assert batch["difference in val accuracy"] == "+0.000 (vs none)"
    assert data[1]["difference"] == pytest.approx(0.0)


def test_regression_has_no_such_table(study: Any) -> None:
    study.run(val=None, classes=None)
    assert isinstance(table(read([study.folder], 0.9, 0.05)), Missing)
