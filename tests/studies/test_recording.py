"""Claims about diagnostics are checked against what the planned runs record, before any of them is trained."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bnlab.errors import BadInput
from bnlab.registry import entries
from bnlab.studies.claim import Claim, read_claims
from bnlab.studies.metrics.diagnostic import Diagnosed
from bnlab.studies.recording import Recording, problems
from bnlab.studies.selection import check

EXPERIMENTS = Path(__file__).parents[2] / "conf" / "experiment"
WHEN: list[str | int] = ["init", "epoch", "last"]
TAKEN: dict[str, dict[str, Any]] = {
    "activation_moments": {"when": WHEN},
    "activation_percentiles": {"when": WHEN, "percentiles": [15.0, 50.0, 85.0], "unit": None},
    "dead_units": {"when": ["epoch", "last"]},
    "grad_through_time": {"when": WHEN},
    "kept_bytes": {"when": ["init"]},
    "landscape": {"when": WHEN, "rates": [0.5, 1.0]},
    "norm_affine": {"when": []},
    "norm_drift": {"when": [10]},
    "residual_ratio": {"when": ["last"]},
    "weight_grad_norm": {"when": WHEN},
}
MLP = Recording("mlp", TAKEN)


def claim(**metric: Any) -> Claim:
    asked = {"name": "diagnostic", "diagnostic": "activation_std", "kind": "before_act"} | metric
    one = {"claim": "so it is", "metric": asked, "of": {"norm": "batch"}, "against": {"norm": "none"}}
    return read_claims([one | {"difference": {"above": 0}}])[0]


def metric(**options: Any) -> Diagnosed:
    found = claim(**options).metric
    assert isinstance(found, Diagnosed)
    return found


# Without any run: the claim itself is invalid.
WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": (
        {"diagnostic": "activaton_std"},
        "activaton_std is not a quantity in layers.csv; did you mean activation_std?",
    ),
    "another letter case": ({"diagnostic": "Dead_Units"}, "did you mean dead_units?"),
    "nothing like it": (
        {"diagnostic": "zzz"},
        "is not a quantity in layers.csv; available: activation_grad_norm, activation_max",
    ),
    "empty": ({"diagnostic": ""}, "metric.diagnostic= is not a quantity in layers.csv; available:"),
    "the diagnostic itself": (
        {"diagnostic": "activation_moments"},
        "writes several quantities: name one of activation_mean, activation_std, activation_min, activation_max",
    ),
    "a histogram": (
        {"diagnostic": "activation_histogram"},
        "writes histograms, but a claim can only use quantities in layers",
    ),
    "pictures": ({"diagnostic": "feature_maps"}, "feature_maps writes arrays"),
    "the whole net": ({"diagnostic": "effective_beta"}, "effective_beta belongs to the whole net"),
    "misspelt kind": ({"kind": "before_akt"}, "metric.kind=before_akt has no activation_std; did you mean before_act?"),
    "kind that no model has": ({"kind": "attention"}, "metric.kind=attention has no activation_std; available: "),
    "a unit's path": ({"kind": "units.0.before_act"}, "did you mean before_act?"),
    "weight for an activation": ({"kind": "weight"}, "metric.kind=weight has no activation_std"),
    "activation for a weight": (
        {"diagnostic": "weight_grad_norm"},
        "metric.kind=before_act has no weight_grad_norm; available: weight",
    ),
    "dead before the activation": ({"diagnostic": "dead_units"}, "available: after_act, hidden"),
}
# With a run of an MLP.
PLANNED: dict[str, tuple[dict[str, Any], str]] = {
    "not taken": (
        {"diagnostic": "site_drift"},
        "site_drift is written by site_drift, which is off in these runs: set diagnostics=[light,site_drift]",
    ),
    "no unit chosen": ({"diagnostic": "unit_percentile"}, "only if diagnostics.activation_percentiles.unit is set"),
    "index that is none": (
        {"diagnostic": "activation_percentile", "index": 99},
        "metric.index=99 is not in diagnostics.activation_percentiles.percentiles=[15,50,85]",
    ),
    "index in words": ({"diagnostic": "activation_percentile", "index": "median"}, "metric.index=median is not in"),
    "index of what has none": ({"index": 15}, "metric.index=15: rows of activation_std have no index: leave it out"),
    "kind that a model lacks": ({"kind": "cell"}, "metric.kind=cell of model=mlp has no activation_std; available: "),
    "sums that a model lacks": (
        {"diagnostic": "residual_ratio", "kind": "after_add"},
        "residual_ratio is measured at after_add, which is not a site of model=mlp",
    ),
    "time of a net without": (
        {"diagnostic": "grad_through_time", "kind": "hidden"},
        "grad_through_time is measured at hidden, which is not a site of model=mlp",
    ),
    "step zero in time": ({"diagnostic": "mean_drift", "index": 0}, "are indexed by time step: 1, 2, 3"),
    "half a step in time": ({"diagnostic": "mean_drift", "index": 1.5}, "are indexed by time step"),
    "a step's name": ({"diagnostic": "mean_drift", "index": "last"}, "are indexed by time step"),
    "a number for a layer": (
        {"diagnostic": "kept_bytes", "index": 3},
        "are indexed by kind of layer, such as Linear or batch",
    ),
    "never at initialization": (
        {"diagnostic": "dead_units", "kind": "after_act", "take": "init"},
        "metric.take=init needs a record at initialization: add init to diagnostics.dead_units.when=[epoch,last]",
    ),
    "never at all": ({"diagnostic": "gain_mean"}, "diagnostics.norm_affine.when=[] never records anything"),
    "drift of one look": (
        {"diagnostic": "kept_bytes", "take": "drift"},
        "metric.take=drift needs records at several steps: add epoch, or a number of updates, to "
        "diagnostics.kept_bytes",
    ),
}
FINE: dict[str, dict[str, Any]] = {
    "plain": {},
    "depth": {"depth": "last"},
    "index": {"diagnostic": "activation_percentile", "index": 85},
    "weight": {"diagnostic": "weight_grad_norm", "kind": "weight"},
    "drift": {"take": "drift"},
    "init by number": {"diagnostic": "mean_drift", "take": "init"},
    "init": {"take": "init"},
    "step in time": {"diagnostic": "mean_drift", "index": 3},
    "drift by number": {"diagnostic": "mean_drift", "take": "drift"},
    "bytes of a weight": {"diagnostic": "kept_bytes", "kind": "weight", "index": "Linear"},
}


@pytest.mark.parametrize(("options", "said"), WORDS.values(), ids=WORDS)
def test_words_that_no_run_could_answer(options: dict[str, Any], said: str) -> None:
    lines = list(problems(metric(**options)))
    assert len(lines) == 1
    assert said in lines[0]
    assert "\n" not in lines[0]


@pytest.mark.parametrize(("options", "said"), PLANNED.values(), ids=PLANNED)
def test_what_these_runs_do_not_record(options: dict[str, Any], said: str) -> None:
    assert said in next(problems(metric(**options), MLP))
    assert list(problems(metric(**options))) == [], "another net, or other options, may have it"


@pytest.mark.parametrize("options", FINE.values(), ids=FINE)
def test_what_is_recorded_is_no_mistake(options: dict[str, Any]) -> None:
    assert list(problems(metric(**options), MLP)) == []


@pytest.mark.parametrize("model", sorted(entries("model")))
def test_every_model_has_what_it_offers(model: str) -> None:
    for kind in entries("model")[model].facts["offers"]:
        assert list(problems(metric(kind=kind), Recording(model, TAKEN))) == []


def test_a_users_model_may_have_any_kind_of_site() -> None:
    recording = Recording("mine", TAKEN)
    assert list(problems(metric(kind="cell"), recording)) == []
    assert "did you mean cell?" in next(problems(metric(kind="cel"), recording))


def planned() -> dict[str, dict[str, Any]]:
    return {norm: {"norm": norm, "optim.lr": 0.1, "seed": 0} for norm in ("batch", "none")}


def test_the_line_names_the_claim_and_the_condition() -> None:
    off = {"batch": MLP, "none": Recording("mlp", {})}
    check([claim()], planned(), (), {"batch": MLP, "none": MLP})
    with pytest.raises(
        BadInput, match=r"^claim \(so it is\), norm=none: metric\.diagnostic=activation_std is written by"
    ):
        check([claim()], planned(), (), off)
    with pytest.raises(BadInput, match=r"^claim \(so it is\): metric\.diagnostic=activaton_std is not a quantity"):
        check([claim(diagnostic="activaton_std")], planned(), ())


def test_diagnostics_off_is_found_although_the_user_chose_it() -> None:
    with pytest.raises(BadInput, match="which is off in these runs"):
        check([claim()], planned(), {"diagnostics"}, {"batch": Recording("mlp", {}), "none": MLP})


def test_claims_about_other_metrics_need_no_diagnostics() -> None:
    one = {"claim": "x", "metric": "accuracy", "of": {"norm": "batch"}, "value": {"above": 0}}
    check(read_claims([one]), planned(), (), dict.fromkeys(planned(), Recording("mlp", {})))


SHIPPED = {
    f"{path.stem}: {one['claim']}": one
    for path in sorted(EXPERIMENTS.glob("*.yaml"))
    for one in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("claims", [])
    if isinstance(one["metric"], dict) and one["metric"]["name"] == "diagnostic"
}


@pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)
def test_shipped_claims_name_numbers_that_there_are(one: dict[str, Any]) -> None:
    found = read_claims([one])[0].metric
    assert isinstance(found, Diagnosed)
    assert list(problems(found)) == []
