"""Epochs and seconds to the target, censored runs included."""

import math
from typing import Any

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.time_to_target import table

LOGGED = [1.0] * 30  # steps 1 to 30, one second each; epochs end at 10, 20, 30


def rows(study: Any) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    return found.shown.to_dict("records"), found.data.to_dict("records")


def test_epochs_and_seconds(study: Any) -> None:
    study.run("batch", seed=0, curve=[0.5, 0.9, 0.9], losses=LOGGED)
    study.run("batch", seed=1, curve=[0.95, 0.95, 0.95], losses=LOGGED)
    (shown,), (data,) = rows(study)
    assert (shown["epochs to 90 %"], shown["seconds to 90 %"]) == ("1.5 ± 6.4", "15.0 ± 63.5")
    assert (shown["reached it"], data["epochs"], data["seconds"]) == ("2/2", 1.5, 15.0)


def test_a_run_that_never_gets_there_is_censored(study: Any) -> None:
    study.run("batch", seed=0, curve=[0.5, 0.9, 0.9], losses=LOGGED)
    study.run("batch", seed=1, curve=[0.1, 0.1, 0.1], losses=LOGGED)
    study.run("none", curve=[0.1, 0.1, 0.1], losses=LOGGED)
    (none, batch), data = rows(study)
    assert (none["epochs to 90 %"], batch["epochs to 90 %"]) == ("> 3", "> 3 (1/2)")
    assert (none["seconds to 90 %"], batch["seconds to 90 %"]) == ("> 1.5", "> 1.5 (1/2)")
    assert math.isnan(data[1]["epochs"])
    assert (data[1]["epochs_censored"], data[1]["epochs_runs"], data[1]["epochs_budget"]) == (1, 2, 3.0)


def test_runs_trained_together_have_no_seconds_of_their_own(study: Any) -> None:
    study.run("batch", curve=[0.95], losses=LOGGED, execution={"executor": "fused"})
    (shown,), _ = rows(study)
    assert (shown["epochs to 90 %"], shown["seconds to 90 %"]) == ("1.0", "–")
    study.run("batch", seed=1, curve=[0.95, 0.95], losses=LOGGED, execution={"executor": "fused"})
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.notes == ["no seconds (–): runs trained together are not timed separately: use launcher=serial"]


def test_regression_has_no_such_table(study: Any) -> None:
    study.run(val=None, classes=None)
    assert isinstance(table(read([study.folder], 0.9, 0.05)), Missing)


def test_one_evaluation_a_run_tells_no_time(study: Any) -> None:
    study.run("batch", curve=[0.95])
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.notes == ["every run was evaluated only once: its time to the target is that of its end, or none"]
    study.run("batch", seed=1, curve=[0.95, 0.95])
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.notes == []
