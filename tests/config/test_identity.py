"""Run ids: golden values, and what they do and do not depend on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from bnlab.config.compose import plain
from bnlab.config.folder import conf_dir
from bnlab.config.identity import axes, run_id
from bnlab.config.validate import Config, validate
from bnlab.registry import entries
from bnlab.report.condition import conditions, varying_axes
from bnlab.sweeps.layout.plugin import register

# If these change, every finished run of every user is trained again. Change them only on purpose.
GOLDEN = {
    "": "9eefd6f7152f",
    "norm=none": "adb13dc04f79",
    "norm=layer placement=after_act model.width=64": "93b60c9c894a",
    "model=cnn norm=group data.batch_size=4 optim.lr=1 seed=7": "aa38d323b80e",
    "optim=adamw schedule=cosine steps=100 accumulate=4 clip=1.0 precision=float64": "bca27e182579",
    "data=gaussian data.task=regression norm=batch_reference": "577d08d2cdd3",
}


@pytest.fixture(scope="module", autouse=True)
def hydra() -> Iterator[None]:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


def config(*overrides: str) -> Config:
    composed = compose("config", list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(composed)
    bare = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
    return validate(plain(bare, dict(composed.hydra.runtime.choices)))


def identity(*overrides: str) -> str:
    return run_id(config(*overrides), "the data")


@pytest.mark.parametrize("overrides", GOLDEN)
def test_golden(overrides: str) -> None:
    assert identity(*overrides.split()) == GOLDEN[overrides]


@pytest.mark.parametrize(
    "override",
    ["processes=2", "norm.sync=false", "device=cpu", "study=other", "output_dir=elsewhere", "log_every=1",
     "checkpoint_seconds=0", "rerun=true", "diagnostics=off", "diagnostics.activation_histogram.bins=7"],
)  # fmt: skip
def test_what_cannot_change_a_number_is_no_part_of_it(override: str) -> None:
    assert identity(override) == identity()


def test_where_the_data_lie_is_no_part_of_it_but_what_they_are_is() -> None:
    assert identity("data=mnist", "data.root=here") == identity("data=mnist", "data.root=there", "data.download=false")
    assert run_id(config(), "the data") != run_id(config(), "other data")


@pytest.mark.parametrize(
    "override",
    ["seed=1", "epochs=3", "steps=7", "accumulate=2", "clip=1", "precision=float64", "model.width=32", "norm=layer",
     "norm.momentum=0.2", "norm.momentum=null", "placement=after_act", "data.batch_size=32", "data.train_size=100",
     "optim.lr=0.2", "optim=adam", "schedule=cosine", "schedule.warmup=0.1", "model.init=he"],
)  # fmt: skip
def test_what_can_change_a_number_is_part_of_it(override: str) -> None:
    assert identity(override) != identity()


def test_processes_are_part_of_it_where_each_normalizes_its_own_examples() -> None:
    ids = [identity(f"processes={n}", "norm.sync=false") for n in (1, 2, 4)]
    assert len({identity(), *ids}) == 3
    assert axes(config("processes=2", "norm.sync=false")) == axes(config()) | {"processes": 2, "norm.sync": False}


def test_typed_values_are_compared_not_how_they_were_written() -> None:
    assert identity("optim.lr=1") == identity("optim.lr=1.0") == identity("optim.lr=1e0")


def test_epochs_do_not_matter_where_steps_are_given() -> None:
    assert identity("steps=50", "epochs=3") == identity("steps=50", "epochs=4")


def test_placement_is_a_set() -> None:
    both = {
        identity("placement=before_and_after_act"),
        identity("placement=[after_act,before_act]"),
        identity("placement=before_act", "placement.after_act=true"),
    }
    assert len(both) == 1
    assert identity("placement=default") == identity("placement=before_act")
    assert axes(config("placement=before_and_after_act"))["placement"] == "after_act+before_act"


def test_placement_is_empty_where_the_norm_ignores_it() -> None:
    assert identity("norm=none", "placement=after_act") == identity("norm=none", "placement=before_weight")
    assert axes(config("norm=none"))["placement"] == ""


def test_axes_are_flat_with_names_under_their_group() -> None:
    flat = axes(config("norm=group", "norm.groups=2"))
    assert flat["norm"] == "group"
    assert flat["norm.groups"] == 2
    assert flat["model"] == "mlp"
    assert not any(isinstance(value, dict) for value in flat.values())


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "more"]
    return f"{value}x" if isinstance(value, str) else (value or 0) + 1


def neighbours(base: Config) -> Iterator[tuple[str, Config]]:
    """Yield the name of each option and the config with only that option changed, to a valid value or not."""
    for part in ("run", "model", "norm", "statistics", "data", "optim", "schedule"):
        for key, value in (options := getattr(base, part)).items():
            other = next(name for name in entries(part) if name != value) if key == "name" else another(value)
            yield f"{part}.{key}", replace(base, **{part: options | {key: other}})
    yield "placement", replace(base, sites=("after_act", "output"))
    started = replace(base, run=base.run | {"init_from": "outputs/a/1f"}, origin="1f:0123456789")
    yield "init_from", started
    yield "init_from", replace(started, origin="1f:9876543210")


@pytest.mark.parametrize(
    "overrides",
    ["norm=batch", "norm=group model=cnn model.init=normal optim=adamw schedule=warmup", "data=gaussian steps=5",
     "data=mnist schedule=step", "data=image_folder model=lstm norm=layer", "init_from=outputs/a/1f model=resnet"],
)  # fmt: skip
def test_what_changes_the_id_changes_the_condition_or_is_its_rate_or_seed(overrides: str) -> None:
    base = replace(config(*overrides.split()), origin="1f:0000" if "init_from" in overrides else "")
    changed: dict[str, bool] = {}
    for name, other in neighbours(base):
        if run_id(other, "the data") != run_id(base, "the data"):
            runs = [axes(base), axes(other)]
            _, (mine, its) = conditions(runs, varying_axes(runs))
            changed[name] = changed.get(name, True) and mine != its
    assert {"run.seed", "optim.lr", "norm.name", "placement", "init_from"} < set(changed)
    assert [name for name, differs in changed.items() if not differs] == ["run.seed", "optim.lr"]


@pytest.mark.parametrize(
    ("init_from", "found"),
    [("outputs/first/1f", "first/1f"), ("/x/first/copy", "first/1f"), ("../first/1f/", "first/1f")],
)
def test_the_axis_of_a_beginning_is_study_and_run(init_from: str, found: str) -> None:
    flat = axes(replace(config(f"init_from={init_from}"), origin="1f:file-0123456789"))
    assert (flat["init_from"], flat["init_from.weights"]) == (found, "012345")
    assert axes(config())["init_from"] is None


def test_the_axes_say_where_data_lie_that_anybody_may_have_put_there() -> None:
    assert axes(config("data=image_folder", "data.root=mine"))["data.root"] == "mine"
    assert "data.root" not in axes(config("data=mnist", "data.root=mine"))


def test_the_axes_say_what_a_yaml_of_another_name_stands_for() -> None:
    flat = axes(config("schedule=warmup"))
    assert (flat["schedule"], flat["schedule.name"]) == ("warmup", "constant")
    assert "schedule.name" not in axes(config())
