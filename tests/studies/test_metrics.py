"""Every metric on runs with known values."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter

from bnlab.studies.evidence import Selected
from bnlab.studies.metrics import AnyMetric
from bnlab.studies.quantity import Quantity, Undecided
from tests.studies.conftest import Study


def test_a_critical_rate_is_where_half_of_the_runs_go_wrong(study: Study) -> None:
    study.grid({0.01: [0.1] * 6, 0.1: [0.9] * 6, 1: [0.9] * 3 + ["diverged"] * 3, 10: ["diverged"] * 3 + [0.1] * 3})
    found = measured(study, "critical_lr")
    assert found.posterior is not None
    assert found.posterior.quantile(0.5) == pytest.approx(0, abs=0.15)
    assert (found.n, found.least, found.most) == (24, False, False)
    lower = measured(study, {"name": "critical_lr", "end": "lower"})
    assert lower.posterior is not None
    low, high = lower.posterior.interval()
    assert -2 < low < high < -1
    strict = measured(study, {"name": "critical_lr", "accuracy": 0.05})  # then runs only go wrong by divergence
    assert strict.posterior is not None
    assert strict.posterior.quantile(0.5) > 0.2


def test_a_critical_rate_beyond_the_grid_is_a_bound(study: Study) -> None:
    study.grid({0.1: [0.9] * 6, 1: [0.9] * 6})
    found = measured(study, "critical_lr")
    assert (found.least, found.most) == (True, False)


def test_where_every_run_goes_wrong_there_is_no_critical_rate(study: Study) -> None:
    study.grid({0.1: [0.1] * 2, 1: ["diverged"] * 2})
    with pytest.raises(Undecided, match="every run of all went wrong"):
        measured(study, "critical_lr")


def measured(study: Study, metric: Any) -> Quantity:
    """Return a metric of all runs of the study as one condition."""
    evidence = study.evidence
    return TypeAdapter(AnyMetric).validate_python(metric).measure(Selected(evidence, "all", tuple(evidence.planned)))


def values(known: Quantity) -> dict[int, float]:
    return {seed: bounds.value for seed, bounds in known.by_seed.items()}


def test_max_stable_lr_lies_between_two_rates(study: Study) -> None:
    study.grid({0.1: [0.90, 0.92], 0.3: [0.91, 0.93], 1: [0.88, 0.90], 3: [0.9, "diverged"]})
    found = measured(study, "max_stable_lr")
    assert found.n == 2
    assert len(found.runs) == 8
    assert [(one.value, one.low, one.high) for one in found.by_seed.values()] == [(3, 3, math.inf), (1, 1, 3)]


def test_more_seeds_do_not_lower_the_max_stable_lr(study: Study) -> None:
    """Half of the seeds diverge at 1; the highest rate at which none diverges falls to 0.3 with the second seed."""
    study.grid({0.3: [0.9] * 8, 1: [0.9, "diverged"] * 4, 3: ["diverged"] * 8})
    found = measured(study, "max_stable_lr")
    assert values(found) == {seed: 1 if seed % 2 == 0 else 0.3 for seed in range(8)}


def test_max_stable_lr_at_the_end_of_the_grid_is_open(study: Study) -> None:
    study.grid({0.1: [0.90, 0.92], 0.3: [0.91, 0.93]})
    assert {one.high for one in measured(study, "max_stable_lr").by_seed.values()} == {math.inf}


def test_usable_decades(study: Study) -> None:
    study.grid({0.01: [0.5, 0.5], 0.1: [0.9, 0.9], 1: [0.9, 0.9], 10: ["diverged", "diverged"]})
    for bounds in measured(study, "usable_decades").by_seed.values():
        assert (bounds.value, bounds.low, bounds.high) == pytest.approx((1, 1, 3))


def test_usable_decades_of_a_grid_that_ends_first_are_open(study: Study) -> None:
    study.grid({0.1: [0.9, 0.9], 1: [0.9, 0.9], 10: ["diverged", "diverged"]})
    assert {one.high for one in measured(study, "usable_decades").by_seed.values()} == {math.inf}


def test_a_condition_that_did_not_learn_has_no_rate(study: Study) -> None:
    study.grid({0.1: [0.1, 0.1], 1: [0.11, 0.1]})
    with pytest.raises(Undecided, match="all did not learn at any rate"):
        measured(study, "max_stable_lr")
    assert values(measured(study, "accuracy")) == {0: 0.11, 1: 0.1}  # its accuracy is still a result


def test_divergence_at_every_rate_leaves_no_rate(study: Study) -> None:
    study.grid({0.1: ["diverged", 0.9], 1: ["diverged", "diverged"]})
    for metric in ("accuracy", "gap"):
        with pytest.raises(Undecided, match="3 of 4 runs of all diverged"):
            measured(study, metric)
    with pytest.raises(Undecided, match=r"all did not learn at any rate \(seed 0\)"):
        measured(study, "max_stable_lr")


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
    with pytest.raises(Undecided, match="were trained together"):
        measured(study, {"name": "seconds_to_target", "target": 0.8})
    assert measured(study, {"name": "epochs_to_target", "target": 0.8}).by_seed[0].value == 1


def test_diverged_share_is_over_the_rates_of_a_seed(study: Study) -> None:
    study.grid({0.1: [0.9, 0.9], 1: [0.9, "diverged"], 3: ["diverged", "diverged"], 10: ["diverged", "diverged"]})
    found = measured(study, "diverged_share")
    assert values(found) == {0: 0.5, 1: 0.75}
    assert (found.by_seed[0].low, found.by_seed[0].high) == (0.375, 0.625)


def test_an_accuracy_is_known_to_half_an_example(study: Study) -> None:
    study.run(0.9, test=0.8, modes={"running": 0.8})  # of 100 examples
    found = measured(study, "accuracy").by_seed[0]
    assert (found.low, found.high) == pytest.approx((0.795, 0.805))


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
