"""The yaml files of every group against the classes they name: found by listing conf/, so a new one needs no edit here.

A yaml holds the keys and the defaults, the constructor's annotations the types and bounds; neither says more.
"""

import inspect
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from bnlab import registry
from bnlab.config.schema import COMMON, GROUPS, RUN, SEARCH, SWEEP
from bnlab.norms.kinds import KINDS
from bnlab.verbs.list import summary

CONF = Path(__file__).parents[1] / "conf"
ROOMS = tuple(group for group in registry.ROOMS if group in GROUPS)  # laws have no yaml
NAMED = tuple(group for group in ROOMS if group != "diagnostics")


def files(*groups: str) -> list[Any]:
    """Every listed yaml of these groups."""
    found = [(group, path.stem) for group in groups for path in sorted((CONF / group).glob("[!_]*.yaml"))]
    return [pytest.param(group, choice, id=f"{group}/{choice}") for group, choice in found]


def read(group: str, choice: str) -> dict[str, Any]:
    """The content of a yaml with that of the files in its own defaults list below it."""
    own = OmegaConf.to_container(OmegaConf.load(CONF / group / f"{choice}.yaml")) or {}
    assert isinstance(own, dict)
    merged: dict[str, Any] = {}
    for base in own.pop("defaults", []):
        merged |= {} if base == "_self_" else read(group, base)
    return merged | {str(key): value for key, value in own.items()}


def entries() -> list[Any]:
    return [pytest.param(e, id=f"{group}/{e.name}") for group in ROOMS for e in registry.entries(group).values()]


def assert_valid(values: dict[str, Any], annotations: dict[str, Any]) -> None:
    assert set(values) == set(annotations)
    for key, annotation in annotations.items():
        TypeAdapter(annotation).validate_python(values[key], strict=True)


@pytest.mark.parametrize(("group", "choice"), files(*NAMED))
def test_a_yaml_holds_exactly_the_options_and_valid_defaults(group: str, choice: str) -> None:
    values = read(group, choice)
    entry = registry.find(group, values.pop("name"))
    assert_valid(values, COMMON.get(group, {}) | entry.options)


@pytest.mark.parametrize("group", NAMED)
def test_every_class_has_the_yaml_of_its_name(group: str) -> None:
    for name in registry.entries(group):
        assert read(group, name)["name"] == name


@pytest.mark.parametrize(("group", "choice"), files("diagnostics"))
def test_a_set_of_diagnostics_holds_exactly_their_options(group: str, choice: str) -> None:
    for name, options in read(group, choice).items():
        assert_valid(options, registry.find(group, name).options)


def test_every_diagnostic_has_the_yaml_of_its_name() -> None:
    for name in registry.entries("diagnostics"):
        assert list(read("diagnostics", name)) == [name]


@pytest.mark.parametrize(("group", "choice"), files("placement"))
def test_a_placement_names_sites(group: str, choice: str) -> None:
    values = read(group, choice)
    assert set(values) <= {*KINDS, "default"}
    assert all(on is True for on in values.values())


def test_common_options_have_valid_defaults() -> None:
    whole = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"))
    assert isinstance(whole, dict)
    others = ("defaults", "hydra", "sweep", "search", *GROUPS)
    assert_valid({str(key): value for key, value in whole.items() if key not in others}, RUN)
    assert_valid(whole["sweep"], SWEEP)
    assert_valid(whole["search"], SEARCH)
    chosen = {key for default in whole["defaults"] if isinstance(default, dict) for key in default}
    assert chosen - {"experiment"} >= set(GROUPS)


@pytest.mark.parametrize(("group", "choice"), files(*GROUPS, "experiment"))
def test_a_yaml_opens_with_one_line_on_what_it_is(group: str, choice: str) -> None:
    content = (CONF / group / f"{choice}.yaml").read_text(encoding="utf-8")
    assert 10 <= len(summary(content)) <= 118


@pytest.mark.parametrize("entry", entries())
def test_options_have_no_second_home_for_defaults(entry: registry.Entry) -> None:
    parameters = inspect.signature(entry.load()).parameters.values()
    assert all(p.default is p.empty for p in parameters)
    assert {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} == set(entry.options)


@pytest.mark.parametrize("entry", entries())
def test_what_is_read_from_the_source_is_what_the_class_is(entry: registry.Entry) -> None:
    """A fact inherited from another file, or an option inherited from there, would be missed by the registry."""
    kind = entry.load()
    assert kind.name == entry.name
    for fact in ("default_sites", "ignores_placement"):
        inherited = getattr(kind, fact, None)
        assert (entry.facts.get(fact) or None) == (inherited or None)


@pytest.mark.parametrize("entry", entries())
def test_every_class_says_what_it_is(entry: registry.Entry) -> None:
    assert "__doc__" in vars(entry.load())
    assert inspect.getdoc(entry.load())


@pytest.mark.parametrize(("group", "choice"), files("optim", "schedule", "diagnostics"))
def test_the_defaults_build(group: str, choice: str) -> None:
    values = read(group, choice)
    named = values if group == "diagnostics" else {values.pop("name"): values}
    for name, options in named.items():
        entry = registry.find(group, name)
        own = {key: value for key, value in options.items() if key in entry.options}
        assert entry.load()(**own).name == name
