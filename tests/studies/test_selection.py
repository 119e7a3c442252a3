"""The runs that a claim is about, and its cases."""

from typing import Any

import pytest

from bnlab.errors import BadInput
from bnlab.studies.claim import Claim, read_claims
from bnlab.studies.selection import cases, check, chosen, label


def claim(**changes: Any) -> Claim:
    base = {"claim": "so it is", "metric": "accuracy", "of": {"norm": "batch"}, "against": {"norm": "none"}}
    given = {key: value for key, value in (base | {"difference": {"above": 0}} | changes).items() if value is not None}
    return read_claims([given])[0]


def planned(*runs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    base = {"norm": "batch", "model": "mlp", "placement": "before_act", "optim.lr": 0.1, "seed": 0}
    every = [base | run for run in runs]
    return {str(n): run | ({"placement": ""} if run["norm"] == "none" else {}) for n, run in enumerate(every)}


def test_every_named_axis_must_have_its_value() -> None:
    runs = planned({}, {"norm": "none"}, {"model": "cnn"}, {"seed": 1})
    assert set(chosen(runs, {"norm": "batch", "model": "mlp"})) == {"0", "3"}
    assert set(chosen(runs, {"optim.lr": 0.1})) == set(runs)
    assert chosen(runs, {"norm.groups": 4}) == {}


def test_runs_without_processes_are_those_of_one_and_synchronized() -> None:
    runs = planned({}, {"processes": 4, "norm.sync": False})
    assert set(chosen(runs, {"norm.sync": True})) == set(chosen(runs, {"processes": 1})) == {"0"}
    assert set(chosen(runs, {"norm.sync": False})) == set(chosen(runs, {"processes": 4})) == {"1"}
    assert chosen(runs, {"processes": 2}) == {}


def test_an_axis_that_is_not_named_makes_cases() -> None:
    runs = planned(*({"norm": norm, "model": model} for norm in ("none", "batch") for model in ("mlp", "cnn")))
    found = cases(claim(), runs)
    assert [label(case, runs) for case in found] == ["cnn", "mlp"]
    assert set(chosen(runs, {"norm": "batch"}, found[0])) == {"3"}
    assert cases(claim(of={"norm": "batch", "model": "mlp"}), runs) == [()]


def test_rates_and_seeds_make_no_cases() -> None:
    runs = planned(
        *({"norm": n, "optim.lr": lr, "seed": s} for n in ("none", "batch") for lr in (1, 2) for s in (0, 1))
    )
    assert cases(claim(), runs) == [()]
    assert cases(claim(against=None, difference=None, value={"above": 0}), runs) == [()]


def test_numbers_are_cases_by_size() -> None:
    runs = planned(*({"data.batch_size": size} for size in (32, 4, 128)))
    found = cases(claim(against=None, difference=None, value={"above": 0}), runs)
    assert [case[0][1] for case in found] == [4, 32, 128]


def test_the_axis_of_a_slope_makes_no_cases() -> None:
    runs = planned(*({"data.batch_size": size, "model": model} for size in (4, 8) for model in ("mlp", "cnn")))
    found = cases(claim(against=None, difference=None, value={"above": 0}, slope="data.batch_size"), runs)
    assert [label(case, runs) for case in found] == ["cnn", "mlp"]


def test_the_net_without_norm_is_the_baseline_of_every_placement() -> None:
    runs = planned({"norm": "none"}, {}, {"placement": "after_act"})
    found = cases(claim(), runs)
    assert [label(case, runs) for case in found] == ["after_act", "before_act"]
    for case in found:
        assert set(chosen(runs, {"norm": "none"}, case)) == {"0"}
    assert set(chosen(runs, {"norm": "none", "placement": "after_act"})) == {"0"}


def test_options_of_one_norm_make_no_cases() -> None:
    runs = planned({"norm": "none"}, {"norm.momentum": 0.1}, {"norm": "group", "norm.groups": 4})
    assert cases(claim(), runs) == [()]


def test_a_claim_without_runs_still_has_one_case() -> None:
    assert cases(claim(), planned({"norm": "layer"})) == [()]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"of": {"nrom": "batch"}}, ("nrom is not an axis", "did you mean norm?")),
        ({"of": {"norm": "btach"}}, ("norm=btach", "the planned values are none, batch")),
        ({"of": {"norm": "none", "model": "cnn"}}, ("no planned run has all of norm=none model=cnn",)),
        ({"slope": "data.batch"}, ("data.batch is not an axis", "data.batch_size")),
    ],
)
def test_conditions_are_held_against_what_is_planned(changes: dict[str, Any], said: tuple[str, ...]) -> None:
    runs = planned({"norm": "none", "data.batch_size": 4}, {"data.batch_size": 4}, {"model": "cnn"})
    check([claim()], runs, ())
    with pytest.raises(BadInput) as caught:
        check([claim(), claim(**changes)], runs, ())
    assert "claim (so it is)" in str(caught.value)
    assert [words for words in said if words not in str(caught.value)] == []


def test_an_axis_that_the_user_narrows_is_no_mistake() -> None:
    check([claim(of={"norm": "layer"})], planned({"norm": "none"}), {"norm"})
