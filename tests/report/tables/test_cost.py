"""Parameters, time and memory of each condition."""

from typing import Any

import pytest

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.cost import table


def test_parameters_and_time_of_complete_runs(study: Any) -> None:
    study.run("none", n_params=1000, cost={"update_seconds": 0.002, "examples_per_second": 32000})
    study.run("batch", n_params=1234567, cost={"update_seconds": 0.003, "examples_per_second": 21333})
    study.run("batch", seed=1, status="failed", cost={"update_seconds": 9})
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    none, batch = found.shown.to_dict("records")
    assert (none["parameters"], batch["parameters"]) == ("1,000", "1,234,567")
    assert (none["ms per update"], batch["ms per update"]) == ("2.00", "3.00")
    assert (none["examples per second"], batch["examples per second"]) == ("32,000", "21,333")
    assert (none["update, relative"], batch["update, relative"]) == ("–", "1.50")
    assert batch["seconds per run"] == "1.5"
    assert "peak memory (MiB)" not in found.shown  # not measured
    assert found.data["update_ratio"][1] == pytest.approx(1.5)
    assert "serial (2 runs)" in found.caption


def test_peak_memory_where_it_was_measured(study: Any) -> None:
    study.run("none", execution={"executor": "serial"}, cost={"peak_bytes": 3 * 2**20})
    study.run("batch", execution=None)
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.shown["peak memory (MiB)"].tolist() == ["3", "–"]


def test_nothing_is_complete(study: Any) -> None:
    study.run(status="running")
    assert table(read([study.folder], 0.9, 0.05)) == Missing("no run is complete")


def test_where_no_cost_was_written_the_logged_steps_tell_the_pace(study: Any) -> None:
    study.run("none", losses=[1.0] * 5, execution={"executor": "fused"})  # one step per second
    study.run("batch", execution={"executor": "fused"})
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.shown["ms per update"].tolist() == ["1,000.00", "–"]
    assert found.shown["update, relative"].tolist() == ["–", "–"]
    assert "–: not measured" in found.caption


def test_runs_trained_together_are_one_measurement(study: Any) -> None:
    for seed in range(3):
        study.run(seed=seed, execution={"executor": "fused", "pack": "p"}, cost={"update_seconds": 0.004})
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.shown["ms per update"].tolist() == ["4.00"]  # without an interval
    assert found.data[["runs", "measurements"]].to_numpy().tolist() == [[3, 1]]
    assert "share an update" in found.caption


def test_what_ran_side_by_side_is_not_compared(study: Any) -> None:
    for norm, processes in (("none", 2), ("batch", 2), ("layer", 1)):
        study.run(norm, cost={"update_seconds": 0.002, "processes": processes})
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    assert found.shown["update, relative"].tolist() == ["–", "–", "–"]
    assert "up to 2 concurrent processes, which slow each other down" in found.caption
