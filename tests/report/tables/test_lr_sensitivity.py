"""The learning-rate table, on studies with known answers."""

import math
from typing import Any

import pytest

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.lr_sensitivity import table


def made(study: Any, **options: float) -> Table:
    found = table(read([study.folder], options.get("target", 0.9), options.get("tolerance", 0.05)))
    assert isinstance(found, Table)
    return found


def shown(part: Table, norm: str) -> dict[str, str]:
    (row,) = part.shown[part.shown["norm"] == norm].to_dict("records")
    return row


def test_a_plain_grid(study: Any) -> None:
    study.grid("none", {0.1: [0.9, 0.9], 1.0: ["diverged", "diverged"]})
    study.grid("batch", {0.1: [0.96, 0.94], 1.0: [0.93, 0.95]}, test=0.9, curve=[0.5, 0.95])
    part = made(study)
    assert list(part.shown["norm"]) == ["none", "batch"]
    none, batch = shown(part, "none"), shown(part, "batch")
    assert (none["max stable lr"], none["usable decades"], none["diverged"]) == ("0.1", "≥ 0.0", "2/4")
    assert (batch["max stable lr"], batch["usable decades"], batch["best lr"]) == ("≥ 1", "≥ 1.0", "0.1")
    assert batch["val accuracy"] == "0.950 ± 0.127"  # t(0.975, 1) · 0.01 = 0.127
    assert batch["test accuracy"] == "0.900 ± 0.000"
    assert batch["epochs to 90 %"] == "2.0 ± 0.0"
    assert none["epochs to 90 %"] == "–"  # nothing was evaluated
    (data,) = part.data[part.data["norm"] == "batch"].to_dict("records")
    assert (data["max_stable_lr"], data["max_stable_lr_edge"], data["usable_decades"]) == (1.0, "grid", 1.0)
    assert data["val_accuracy_low"] == pytest.approx(0.95 - 12.7062 * 0.01, abs=1e-4)
    assert part.notes == [
        "best lr at the edge of the grid, or of its finished part; a lower one may be better: none (0.1), batch (0.1)",
        "lowest rate of the grid is still usable: none, batch",
        "highest rate of the grid is still usable: batch",
    ]


def test_did_not_learn(study: Any) -> None:
    study.grid("none", {0.1: [0.1, 0.1], 1.0: [0.12, 0.12]})
    part = made(study)
    row = shown(part, "none")
    assert (row["max stable lr"], row["usable decades"], row["best lr"]) == ("did not learn", "–", "–")
    assert row["val accuracy"] == "0.120 ± 0.000"
    assert part.notes == ["did not learn, the best val accuracy is below 0.2 (chance: 0.1): none (0.120 at lr 1)"]


def test_divergence_at_every_rate_is_beside_the_mean_of_the_rest(study: Any) -> None:
    study.grid("batch", {0.1: [0.9, "diverged", 0.8], 1.0: ["diverged", "diverged", 0.9]})
    part = made(study)
    row = shown(part, "batch")
    assert row["val accuracy"].startswith("0.850 ± ")
    assert row["val accuracy"].endswith(" (1/3 diverged)")
    assert (row["best lr"], row["diverged"]) == ("–", "3/6")
    assert part.notes == ["some seed diverged at every rate, accuracies are over the other seeds: batch (lr 0.1)"]


def test_censored_runs(study: Any) -> None:
    study.run("none", seed=0, curve=[0.1, 0.2, 0.3])
    study.run("none", seed=1, curve=[0.1, 0.2, 0.3])
    study.run("batch", seed=0, curve=[0.95, 0.95, 0.95])
    study.run("batch", seed=1, curve=[0.1, 0.2, 0.3])
    part = made(study)
    assert shown(part, "none")["epochs to 90 %"] == "> 3"
    assert shown(part, "batch")["epochs to 90 %"] == "> 3 (1/2)"
    assert part.data["epochs_to_target"].isna().all()
    assert shown(made(study, target=0.3), "none")["epochs to 30 %"] == "3.0 ± 0.0"


def test_one_seed_has_no_interval(study: Any) -> None:
    study.grid("batch", {0.1: [0.9], 1.0: [0.8]})
    part = made(study)
    assert shown(part, "batch")["val accuracy"] == "0.900"
    assert math.isnan(part.data["val_accuracy_low"][0])


def test_missing_cells_are_counted_and_said(study: Any) -> None:
    study.grid("batch", {0.01: [0.9, 0.9, None], 0.1: [0.95, 0.95, 0.95], 1.0: ["running", "failed", None]})
    study.grid("layer", {0.1: [0.95, 0.95, 0.95], 1.0: ["refused", "refused", "refused"]})
    part = made(study)
    assert part.notes == [
        "best lr at the edge of the grid, or of its finished part; a higher one may be better: batch (0.1)",
        "next higher rate than the max stable lr has no result: batch (0.1), layer (0.1)",
        "lowest rate of the grid is still usable: batch",
        "failed: batch (1 run at lr 1)",
        "running or interrupted: batch (1 run at lr 1)",
        "next lower rate than the lowest usable lr has no result: layer (0.1)",
        "refused: layer (3 runs at lr 1)",
        "no run at some rates of other conditions: layer (0.01)",
    ]
    (layer,) = part.data[part.data["norm"] == "layer"].to_dict("records")
    assert (layer["refused"], layer["absent"], layer["max_stable_lr_edge"]) == (3, 3, "missing")


def test_optimizers_have_grids_of_their_own(study: Any) -> None:
    study.grid("batch", {0.1: [0.9], 1.0: [0.5]}, axes={"optim": "sgd"})
    study.grid("batch", {0.001: [0.9], 0.01: [0.5]}, axes={"optim": "adam"})
    part = made(study)
    assert list(part.shown["optim"]) == ["adam", "sgd"]
    assert not any("no run" in note for note in part.notes)


def test_conditions_of_one_rate_each_have_no_holes(study: Any) -> None:
    study.run("batch", lr=0.1)
    study.run("none", lr=0.01)
    assert not any("no run" in note or "started" in note for note in made(study).notes)


def test_notes_name_a_few_of_many(study: Any) -> None:
    for number in range(20):
        study.grid(f"norm{number:02}", {10.0**-k: [0.05] for k in range(20) if k != number})
    (idle, *_, holes) = made(study).notes
    assert idle.endswith("norm07 (0.050 at lr 1e-19) and 12 more")
    assert holes.startswith("no run at some rates of other conditions: norm00 (1), norm01 (0.1)")
    assert holes.endswith(" and 12 more")


def test_a_note_names_a_few_of_many_rates(study: Any) -> None:
    study.grid("batch", {10.0**-k: [0.9] for k in range(9)})
    study.grid("none", {10.0**-k: [0.9] if k < 2 else [] for k in range(9)})
    assert "no run at some rates of other conditions: none (1e-08, 1e-07, 1e-06, 1e-05 and 3 more)" in made(study).notes


@pytest.mark.parametrize(
    ("size", "kind"), [(0, "no val set (val_size 0), so no best lr"), (0.1, "no val accuracy, so no best lr")]
)
def test_without_val_accuracy_nothing_is_said_of_divergence(study: Any, size: float, kind: str) -> None:
    study.run("none", axes={"data.val_size": 0.1})
    study.run("batch", val=None, test=0.5, axes={"data.val_size": size})
    (note,) = made(study).notes
    assert note.startswith(f"{kind}: batch")
    assert note.endswith("(lr 0.1)")


def test_a_condition_without_a_finished_run_keeps_its_row(study: Any) -> None:
    study.run("none")
    study.grid("batch", {0.1: ["refused"]})
    part = made(study)
    row = shown(part, "batch")
    assert set(row.values()) == {"batch", "–", "0/0"}
    assert "no run finished: batch" in part.notes


def test_regression_has_no_such_table(study: Any) -> None:
    study.run("batch", val=None, classes=None)
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Missing)
    assert "needs the val accuracy" in found.reason
