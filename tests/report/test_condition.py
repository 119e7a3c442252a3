"""The definition of conditions."""

from typing import Any

from bnlab.report.condition import conditions, varying_axes
from bnlab.report.panels import panels

BASE: dict[str, Any] = {"model": "mlp", "model.depth": 4, "optim": "sgd", "placement": "before_act", "seed": 0}
BATCH = BASE | {"norm": "batch", "norm.momentum": 0.1, "norm.eps": 1e-5}
LAYER = BASE | {"norm": "layer", "norm.eps": 1e-6}
NONE = BASE | {"norm": "none", "placement": ""}


def labels(*runs: dict[str, Any]) -> list[str]:
    return [condition.label for condition in conditions(runs, varying_axes(runs))[0]]


def test_norm_is_always_an_axis_and_none_comes_first() -> None:
    assert varying_axes([BATCH]) == ["norm"]
    assert labels(LAYER, BATCH, NONE) == ["none", "batch", "layer"]


def test_options_that_follow_from_the_norm_do_not_count() -> None:
    assert varying_axes([BATCH, LAYER, NONE]) == ["norm"]


def test_options_that_vary_within_a_norm_count() -> None:
    runs = [BATCH, BATCH | {"norm.momentum": None}, LAYER]
    assert varying_axes(runs) == ["norm", "norm.momentum"]
    assert sorted(labels(*runs)) == ["batch · momentum 0.1", "batch · momentum null", "layer"]


def test_rate_and_seed_do_not_count() -> None:
    assert varying_axes([BATCH | {"optim.lr": 0.1}, BATCH | {"optim.lr": 3.0, "seed": 5}]) == ["norm"]


def test_confounded_axes_are_not_hidden() -> None:
    # Batch size follows from the norm here, but it is not an option of the norm.
    assert varying_axes([BATCH | {"epochs": 10}, LAYER | {"epochs": 20}]) == ["norm", "epochs"]


def test_a_placement_that_follows_from_the_model_does_not_count() -> None:
    lstm = BATCH | {"model": "lstm", "placement": "hidden_to_hidden"}
    assert varying_axes([BATCH, NONE, lstm]) == ["norm", "model"]


def test_no_norm_is_the_baseline_of_every_placement() -> None:
    after = {"placement": "after_act"}
    runs = [NONE, BATCH, BATCH | after, LAYER, LAYER | after]
    found, places = conditions(runs, varying_axes(runs))
    assert [one.label for one in found] == [
        "none", "batch · after_act", "batch · before_act", "layer · after_act", "layer · before_act",
    ]  # fmt: skip
    assert places == [0, 2, 1, 4, 3]
    assert panels(found) == [("after_act", [0, 1, 3]), ("before_act", [0, 2, 4])]


def test_one_norm_is_compared_over_its_variants_in_one_panel() -> None:
    runs = [BATCH | {"data.batch_size": size} for size in (256, 16, 64)]
    found, _ = conditions(runs, varying_axes(runs))
    assert [one.label for one in found] == ["batch · batch_size 16", "batch · batch_size 64", "batch · batch_size 256"]
    assert panels(found) == [("", [0, 1, 2])]


def test_short_names_give_way_where_two_options_share_one() -> None:
    runs = [BATCH | {"optim.momentum": 0.9}, BATCH | {"optim.momentum": 0.0}]
    assert labels(*runs) == ["batch · optim.momentum 0", "batch · optim.momentum 0.9"]


def test_a_run_is_as_long_as_its_epochs_or_its_steps_say() -> None:
    short, long = {"epochs": None, "steps": 50}, {"epochs": 3, "steps": None}
    assert labels(BATCH | short, BATCH | long) == ["batch · epochs 3", "batch · steps 50"]
    assert labels(BATCH | short, BATCH | short | {"steps": 60}) == ["batch · steps 50", "batch · steps 60"]
