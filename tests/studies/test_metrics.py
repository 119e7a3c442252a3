"""Every metric on runs whose numbers are known."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter

from bnlab.studies.evidence import Selected
from bnlab.studies.known import Known, Undecided
from bnlab.studies.metrics import AnyMetric
from tests.studies.conftest import Study


def measured(study: Study, metric: Any) -> Known:
    """A metric of all runs of the study as one condition."""
    evidence = study.evidence
    return TypeAdapter(AnyMetric).validate_python(metric).measure(Selected(evidence, "all", tuple(evidence.planned)))


def values(known: Known) -> dict[int | None, float]:
    return {seed: bounds.value for seed, bounds in known.by_seed.items()}


def test_max_stable_lr_lies_between_two_rates(study: Study) -> None:
    study.grid({0.1: [0.90, 0.92], 0.3: [0.91, 0.93], 1: [0.88, 0.90], 3: [0.9, "diverged"]})
    found = measured(study, "max_stable_lr")
    assert found.n == 2
    assert len(found.runs) == 8
    bounds = found.by_seed[None]
    assert (bounds.value, bounds.low, bounds.high) == (1, 1, 3)


def test_max_stable_lr_at_the_end_of_the_grid_is_open(study: Study) -> None:
    study.grid({0.1: [0.90, 0.92], 0.3: [0.91, 0.93]})
    assert measured(study, "max_stable_lr").by_seed[None].high == math.inf


def test_usable_decades(study: Study) -> None:
    study.grid({0.01: [0.5, 0.5], 0.1: [0.9, 0.9], 1: [0.9, 0.9], 10: ["diverged", "diverged"]})
    bounds = measured(study, "usable_decades").by_seed[None]
    assert (bounds.value, bounds.low, bounds.high) == pytest.approx((1, 1, 3))


def test_usable_decades_of_a_grid_that_ends_first_are_open(study: Study) -> None:
    study.grid({0.1: [0.9, 0.9], 1: [0.9, 0.9], 10: ["diverged", "diverged"]})
    assert measured(study, "usable_decades").by_seed[None].high == math.inf


def test_a_condition_that_did_not_learn_has_no_rate(study: Study) -> None:
    study.grid({0.1: [0.1, 0.1], 1: [0.11, 0.1]})
    with pytest.raises(Undecided, match="all did not learn at any rate"):
        measured(study, "max_stable_lr")
    assert values(measured(study, "accuracy")) == {0: 0.11, 1: 0.1}  # its accuracy is a result all the same


def test_divergence_at_every_rate_leaves_no_rate(study: Study) -> None:
    study.grid({0.1: ["diverged", 0.9], 1: ["diverged", "diverged"]})
    for metric in ("max_stable_lr", "accuracy", "gap"):
        with pytest.raises(Undecided, match="3 of 4 runs of all diverged"):
            measured(study, metric)


def test_accuracy_is_that_at_the_rate_best_on_val(study: Study) -> None:
    for lr, val, test in ((0.1, 0.8, 0.99), (0.3, 0.9, 0.7)):
        for seed in (0, 1):
            study.run(val, test + seed / 100, optim__lr=lr, seed=seed)
    assert values(measured(study, "accuracy")) == {0: 0.7, 1: 0.71}
    assert values(measured(study, {"name": "accuracy", "split": "val"})) == {0: 0.9, 1: 0.9}


def test_gap_is_train_less_test(study: Study) -> None:
    for seed, train in enumerate((0.99, 0.97)):
        study.run(0.9, 0.89, train, seed=seed)
    assert values(measured(study, "gap")) == pytest.approx({0: 0.10, 1: 0.08})


def test_mode_gap_is_what_another_mode_costs(study: Study) -> None:
    for seed, batch in enumerate((0.80, 0.85)):
        study.run(modes={"running": 0.9, "batch": batch}, seed=seed)
    assert values(measured(study, "mode_gap")) == pytest.approx({0: 0.10, 1: 0.05})
    with pytest.raises(Undecided, match=r"recomputed \(statistics\.modes\)"):
        measured(study, {"name": "mode_gap", "mode": "recomputed"})


def test_epochs_to_target_lie_between_two_evaluations(study: Study) -> None:
    study.run(0.92, curve=[0.5, 0.8, 0.91, 0.92], seed=0)
    study.run(0.95, curve=[0.95, 0.85, 0.95, 0.95], seed=1)
    study.run(0.70, curve=[0.5, 0.6, 0.65, 0.7], seed=2)
    found = measured(study, {"name": "epochs_to_target", "target": 0.9}).by_seed
    assert (found[0].low, found[0].value, found[0].high) == (2, 3, 3)
    assert (found[1].low, found[1].value, found[1].high) == (0, 1, 1)
    assert (found[2].low, found[2].value, found[2].high) == (4, 4, math.inf)


def test_seconds_to_target(study: Study) -> None:
    study.run(0.9, curve=[0.5, 0.8, 0.9], seed=0)
    bounds = measured(study, {"name": "seconds_to_target", "target": 0.8}).by_seed[0]
    assert (bounds.low, bounds.value, bounds.high) == (2, 4, 4)


def test_runs_trained_together_have_no_seconds_of_their_own(study: Study) -> None:
    study.run(0.9, curve=[0.9], executor="fused")
    with pytest.raises(Undecided, match="several at a time"):
        measured(study, {"name": "seconds_to_target", "target": 0.8})
    assert measured(study, {"name": "epochs_to_target", "target": 0.8}).by_seed[0].value == 1


def test_diverged_share_is_over_the_rates_of_a_seed(study: Study) -> None:
    study.grid({0.1: [0.9, 0.9], 1: [0.9, "diverged"], 3: ["diverged", "diverged"], 10: ["diverged", "diverged"]})
    assert values(measured(study, "diverged_share")) == {0: 0.5, 1: 0.75}


LAYERS = [
    (step, site, "unit_percentile", index, value)
    for site, scale in (("0.before_act", 1.0), ("1.before_act", 10.0), ("1.after_act", 100.0))
    for step, index, value in ((0, "15", -scale), (0, "85", scale), (10, "15", -3 * scale), (10, "85", scale))
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"take": "init", "index": 85}, 5.5),
        ({"take": "init", "index": 85, "depth": 0}, 1),
        ({"take": "last", "index": 15, "depth": "last"}, -30),
        ({"take": "last", "depth": 1}, -10),
        ({"take": "mean", "index": 15, "depth": 1}, -20),
        ({"take": "drift", "index": 15, "depth": 1}, 10),
        ({"take": "drift", "depth": 1}, 5),
        ({"take": "last", "kind": "after_act"}, -100),
    ],
)
def test_a_diagnostic_at_a_site(study: Study, options: dict[str, Any], expected: float) -> None:
    study.run(layers=LAYERS)
    metric = {"name": "diagnostic", "diagnostic": "unit_percentile", "kind": "before_act"} | options
    assert values(measured(study, metric)) == pytest.approx({0: expected})


def test_a_diagnostic_that_was_not_recorded(study: Study) -> None:
    study.run(layers=LAYERS)
    with pytest.raises(Undecided, match="no dead_units was recorded at after_act of all"):
        measured(study, {"name": "diagnostic", "diagnostic": "dead_units", "kind": "after_act"})
