"""Verdicts on synthetic studies with known answers."""

import math

import pytest

from bnlab.studies.claim import Bound
from bnlab.studies.quantity import Effect
from bnlab.studies.verdict import decide
from tests.studies.conftest import Study

AGAINST_NONE = {"of": {"norm": "batch"}, "against": {"norm": "none"}}


@pytest.mark.parametrize(
    ("low", "high", "bound", "expected"),
    [
        (1.1, 2, {"above": 1}, "confirmed"),
        (1, 2, {"above": 1}, "undecided"),
        (0.5, 2, {"above": 1}, "undecided"),
        (0.5, 1, {"above": 1}, "undecided"),
        (0.5, 0.9, {"above": 1}, "refuted"),
        (-2, -1, {"below": 0}, "confirmed"),
        (-2, 0, {"below": 0}, "undecided"),
        (0.1, 1, {"below": 0}, "refuted"),
        (12, 90, {"above": 10, "below": 100}, "confirmed"),
        (12, 120, {"above": 10, "below": 100}, "undecided"),
        (120, 900, {"above": 10, "below": 100}, "refuted"),
        (1, 9, {"above": 10, "below": 100}, "refuted"),
        (12, math.inf, {"above": 10}, "confirmed"),
        (12, math.inf, {"above": 10, "below": 100}, "undecided"),
        (0, math.inf, {"above": 10}, "undecided"),
        # An interval that touches the bound is undecided, also if floating point puts it on one side.
        (0.3 / 0.1 * (1 + 4e-16), 9, {"above": 3}, "undecided"),
        (math.exp(math.log(3)), 9, {"above": 3}, "undecided"),
        (1, 0.3 / 0.1, {"above": 3}, "undecided"),
        (0.95 - 0.94, 0.1, {"above": 0.01}, "undecided"),
        (-0.1, 0.94 - 0.95, {"below": -0.01}, "undecided"),
    ],
)
def test_the_whole_interval_must_lie_beyond_the_threshold(
    low: float, high: float, bound: dict[str, float], expected: str
) -> None:
    assert decide(Effect((low + high) / 2, low, high, 3), Bound(**bound)) == expected


def test_a_difference_in_accuracy_paired_by_seed(study: Study) -> None:
    """Seeds differ far more than norms, so that only pairing shows the difference."""
    for seed, level in enumerate((0.5, 0.7, 0.9)):
        study.run(level, norm="none", seed=seed)
        study.run(level + 0.02 + seed / 1000, norm="batch", seed=seed)
    found = study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0.01})
    assert found.verdict == "confirmed"
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.021)
    assert (found.effect.n, len(found.runs), found.threshold) == (3, 6, "difference above 0.01")
    assert study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0.03}).verdict == "refuted"
    assert study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0.021}).verdict == "undecided"


def test_each_norm_has_its_own_best_rate_unless_the_claim_names_one(study: Study) -> None:
    study.grid({0.1: [0.90, 0.91], 1: [0.5, 0.5]}, norm="none")
    study.grid({0.1: [0.6, 0.6], 1: [0.95, 0.96]}, norm="batch")
    assert study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0}).verdict == "confirmed"
    fixed = {"of": {"norm": "batch", "optim.lr": 0.1}, "against": {"norm": "none", "optim.lr": 0.1}}
    found = study.verdict(metric="accuracy", **fixed, difference={"above": 0})
    assert found.verdict == "refuted"
    assert len(found.runs) == 4


GRID = (0.01, 0.1, 1, 10, 100)


@pytest.mark.parametrize(
    ("none", "batch", "verdict", "interval"),
    [
        (0.01, 1, "confirmed", (10, 1000)),
        (0.1, 1, "undecided", (1, 100)),
        (1, 1, "undecided", (0.1, 10)),
        (10, 0.1, "refuted", (0.001, 0.1)),
        (0.01, 100, "confirmed", (1000, math.inf)),
    ],
)
def test_a_ratio_of_rates_is_a_step_of_the_grid_wide_at_least(
    study: Study, none: float, batch: float, verdict: str, interval: tuple[float, float]
) -> None:
    for norm, limit in (("none", none), ("batch", batch)):
        study.grid({lr: [0.9, 0.9] if lr <= limit else ["diverged", "diverged"] for lr in GRID}, norm=norm)
    found = study.verdict(metric="max_stable_lr", **AGAINST_NONE, ratio={"above": 5})
    assert found.verdict == verdict
    assert found.effect is not None
    assert (found.effect.low, found.effect.high) == pytest.approx(interval)
    assert found.effect.value == pytest.approx(batch / none)


def test_a_net_that_never_gets_there_is_slower_than_its_budget(study: Study) -> None:
    for seed in range(3):
        study.run(0.5, curve=[0.2] * 7 + [0.5], norm="none", seed=seed)
        study.run(0.95, curve=[0.95] * 8, norm="batch", seed=seed)
    claim = {
        "metric": {"name": "epochs_to_target", "target": 0.9},
        "of": {"norm": "none"},
        "against": {"norm": "batch"},
    }
    found = study.verdict(**claim, ratio={"above": 5})
    assert found.verdict == "confirmed"
    assert found.effect is not None
    assert (found.effect.low, found.effect.high) == (pytest.approx(8), math.inf)
    assert study.verdict(**claim, ratio={"above": 9}).verdict == "undecided"


def test_an_order_holds_if_every_neighbour_does(study: Study) -> None:
    for seed in range(3):
        for norm, level in (("batch", 0.9), ("layer", 0.8), ("none", 0.7), ("group", 0.7 + (seed - 1) / 10)):
            study.run(level + seed / 1000, norm=norm, seed=seed)

    def order(*norms: str) -> str:
        return study.verdict(metric="accuracy", order=[{"norm": norm} for norm in norms]).verdict

    assert order("batch", "layer", "none") == "confirmed"
    assert order("batch", "none", "layer") == "refuted"
    assert order("batch", "layer", "none", "group") == "undecided"
    found = study.verdict(metric="accuracy", order=[{"norm": "batch"}, {"norm": "layer"}])
    assert found.threshold == "each above the next"
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.1)


def test_a_slope_is_per_doubling(study: Study) -> None:
    """Batch norm gains 0.05 per doubling, group norm nothing."""
    for power, size in enumerate((2, 8, 32)):
        for seed in range(3):
            study.run(0.6 + 0.1 * power + seed / 1000, data__batch_size=size, norm="batch", seed=seed)
            study.run(0.8 + seed / 1000, data__batch_size=size, norm="group", seed=seed)
    slope = {"metric": "accuracy", "slope": "data.batch_size"}
    found = study.verdict(**slope, of={"norm": "batch"}, value={"above": 0.04, "below": 0.06})
    assert found.verdict == "confirmed"
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.05)
    assert study.verdict(**slope, of={"norm": "group"}, value={"above": 0.01}).verdict == "refuted"
    both = {"of": {"norm": "batch"}, "against": {"norm": "group"}}
    assert study.verdict(**slope, **both, difference={"above": 0.04}).verdict == "confirmed"


def test_a_slope_needs_two_values(study: Study) -> None:
    for seed in range(2):
        study.run(seed=seed)
    found = study.verdict(metric="accuracy", slope="data.batch_size", of={"norm": "batch"}, value={"above": 0})
    assert (found.verdict, "two values" in found.reason) == ("undecided", True)


def test_a_claim_is_judged_for_each_value_of_what_it_does_not_name(study: Study) -> None:
    for seed in range(3):
        for model, gain in (("mlp", 0.1), ("cnn", -0.1)):
            study.run(0.8 + seed / 1000, norm="none", model=model, seed=seed)
            study.run(0.8 + gain, norm="batch", model=model, seed=seed)
    found = study.judge(metric="accuracy", **AGAINST_NONE, difference={"above": 0})
    assert [(one.case, one.verdict) for one in found] == [("cnn", "refuted"), ("mlp", "confirmed")]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("failed", "1 of 3 runs of norm=batch failed: a reason"),
        ("running", "1 of 3 runs of norm=batch unfinished"),
        ("refused", "1 of 3 runs of norm=batch refused: a reason"),
        ("absent", "1 of 3 runs of norm=batch not started"),
    ],
)
def test_what_is_missing_leaves_a_claim_undecided(study: Study, status: str, reason: str) -> None:
    for seed in range(3):
        study.run(0.8 + seed / 1000, norm="none", seed=seed)
    study.run(0.9, seed=0)
    study.run(0.9, seed=1)
    if status == "absent":
        study.plan(seed=2)
    else:
        study.run(0.9, status=status, seed=2)
    found = study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0})
    assert (found.verdict, found.effect, found.reason) == ("undecided", None, reason)


def test_divergence_at_the_rate_that_a_claim_names_leaves_it_undecided(study: Study) -> None:
    study.grid({1: [0.9, "diverged", 0.9]}, norm="none")
    study.grid({1: [0.9, 0.9, 0.9]}, norm="batch")
    fixed = {"of": {"norm": "batch", "optim.lr": 1}, "against": {"norm": "none", "optim.lr": 1}}
    found = study.verdict(metric="accuracy", **fixed, difference={"above": 0})
    assert (found.verdict, "1 of 3 runs" in found.reason) == ("undecided", True)
    share = study.verdict(metric="diverged_share", **fixed, difference={"below": 0.9})
    assert share.effect is not None
    assert share.effect.value == pytest.approx(-1 / 3)


def test_one_seed_leaves_a_claim_undecided(study: Study) -> None:
    study.run(0.8, norm="none")
    study.run(0.9)
    found = study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0})
    assert (found.verdict, "1 seed" in found.reason) == ("undecided", True)


def test_a_condition_that_was_not_run_leaves_a_claim_undecided(study: Study) -> None:
    study.grid({0.1: [0.9, 0.9]})
    found = study.verdict(metric="accuracy", **AGAINST_NONE, difference={"above": 0})
    assert (found.verdict, found.reason) == ("undecided", "no run of norm=none")


def test_what_is_published_stands_beside_it(study: Study) -> None:
    study.grid({0.1: [0.9, 0.92]})
    published = {"value": "94 %", "source": "a text", "verified": False}
    found = study.verdict(metric="accuracy", of={"norm": "batch"}, value={"above": 0.1}, published=published)
    assert found.published == "94 % (a text; unverified)"


def test_without_val_accuracies_there_is_no_rate_to_choose_but_the_only_one(study: Study) -> None:
    for norm, test in (("none", 0.5), ("batch", 0.8)):
        for seed in range(2):
            study.run(None, norm=norm, seed=seed, test=test + seed / 100, optim__lr=0.1)
    claim = {"metric": "accuracy", **AGAINST_NONE, "difference": {"above": 0.2}}
    assert study.verdict(**claim).verdict == "confirmed"
    study.run(None, norm="batch", optim__lr=1.0, test=0.9)
    assert study.verdict(**claim).reason == "no run of norm=batch has a val accuracy to choose a learning rate by"
