"""Every diagnostic during training: equal results single and stacked, and no effect on the weights."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab import registry
from bnlab.diagnostics.base import Diagnostic
from bnlab.models.base import weights
from bnlab.norms.site import sites
from tests.diagnostics.small import NETS, Training, at_defaults

SEEDS, UPDATES = (0, 1, 2), 2
EVERY = sorted(registry.entries("diagnostics"))
TABLE = [name for name in EVERY if registry.find("diagnostics", name).facts.get("table", "layers") == "layers"]
COPIED = {"kept_bytes"}  # stacked replicas keep copies, see tests/training/test_kept.py
Key = tuple[Any, ...]


class Trained(NamedTuple):
    """The numbers of each replica by row, and everything that training changes."""

    found: list[dict[Key, np.ndarray[Any, Any]]]
    tensors: dict[str, Tensor]


def trained(net: str, seeds: tuple[int, ...], names: list[str]) -> Trained:
    """Run two updates with these diagnostics at both and at the end."""
    diagnostics = {name: at_defaults(name) for name in names}
    training = Training(net, seeds, diagnostics)
    found: list[dict[Key, np.ndarray[Any, Any]]] = [{} for _ in seeds]
    for step in range(UPDATES + 1):
        output = training.step(names, update=step < UPDATES)
        for name, by_site in output.observed.items():
            for site, values in by_site.items():
                for r in range(len(seeds)):
                    for row in diagnostics[name].rows(step, site, values[r].double().numpy()):
                        found[r].update(numbers(name, step, row))
    return Trained(found, training.tensors())


def numbers(name: str, step: int, row: dict[str, Any]) -> dict[Key, np.ndarray[Any, Any]]:
    if all(isinstance(value, np.ndarray) for value in row.values()):
        return {(name, step, array): value for array, value in row.items()}
    edges = ("left", "right", "count", "value")
    where = tuple(value for key, value in row.items() if key not in edges)
    return {(name, *where): np.array([value for key, value in row.items() if key in edges])}


@pytest.fixture(scope="module", params=NETS)
def alone(request: pytest.FixtureRequest) -> tuple[str, list[Trained]]:
    return request.param, [trained(request.param, (seed,), EVERY) for seed in SEEDS]


def test_a_net_trains_as_without(alone: tuple[str, list[Trained]]) -> None:
    """Weights, running statistics and velocities are equal to the bit."""
    net, runs = alone
    for seed, run in zip(SEEDS, runs, strict=True):
        torch.testing.assert_close(run.tensors, trained(net, (seed,), []).tensors, rtol=0, atol=0)


def test_stacked_replicas_find_what_each_finds_alone(alone: tuple[str, list[Trained]]) -> None:
    net, runs = alone
    together = trained(net, SEEDS, EVERY)
    torch.testing.assert_close(together.tensors, trained(net, SEEDS, []).tensors, rtol=0, atol=0)
    for mine, run in zip(together.found, runs, strict=True):
        assert {key for key in mine if key[0] not in COPIED} == {key for key in run.found[0] if key[0] not in COPIED}
        for key, value in run.found[0].items():
            if key[0] not in COPIED:
                np.testing.assert_allclose(mine[key], value, rtol=1e-8, atol=1e-12, err_msg=str(key))


@pytest.mark.parametrize("name", EVERY)
def test_what_is_written_is_declared_without_torch(name: str) -> None:
    """The registry reads the declaration as a literal, which equals that of the class."""
    facts = registry.find("diagnostics", name).facts
    kind = registry.find("diagnostics", name).load()
    assert bool(facts.get("writes")) is (name in TABLE)
    for fact in ("writes", "at", "only_with"):
        assert facts.get(fact, getattr(Diagnostic, fact)) == getattr(kind, fact)
    options = registry.find("diagnostics", name).options
    assert set(facts.get("writes", {}).values()) <= {"", "time step", "kind of layer", *options}
    assert facts.get("only_with", {}).keys() <= facts.get("writes", {}).keys()
    assert set(facts.get("only_with", {}).values()) <= set(options)


def test_a_name_is_written_by_one_diagnostic() -> None:
    names = [name for entry in registry.entries("diagnostics").values() for name in entry.facts.get("writes", {})]
    assert len(names) == len(set(names))


def rows_of(name: str, net: str, **options: Any) -> tuple[list[dict[str, Any]], Training]:
    """Return the rows that a diagnostic writes of a net at two steps, and its training."""
    diagnostic = at_defaults(name, **options)
    training = Training(net, (0,), {name: diagnostic})
    rows = []
    for step in range(2):
        for site, values in training.step([name]).observed[name].items():
            rows += diagnostic.rows(step, site, values[0].double().numpy())
    return rows, training


@pytest.mark.parametrize("name", TABLE)
def test_rows_are_those_declared(name: str) -> None:
    """Over all nets: each declared name occurs and no other; indices and kinds of site are as declared."""
    kind = registry.find("diagnostics", name).load()
    met: set[str] = set()
    for net in NETS:
        options = dict.fromkeys(kind.only_with.values(), 0)
        rows, training = rows_of(name, net, **options)
        model = training.executor.model
        kinds = {path: site.kind for path, site in sites(model).items()} | dict.fromkeys(weights(model), "weight")
        for row in rows:
            met.add(row["diagnostic"])
            assert row["diagnostic"] in kind.writes
            check_index(kind.writes[row["diagnostic"]], row.get("index", ""), at_defaults(name))
            if row["site"] in kinds:  # the others are layers without a row in sites.csv
                at = kinds[row["site"]]
                assert at in kind.at or ("site" in kind.at and at != "weight")
        assert bool(kind.at) or all(row["site"] == "" for row in rows)
    assert met == set(kind.writes)


def check_index(declared: str, index: Any, diagnostic: Diagnostic) -> None:
    if declared == "":
        assert index == ""
    elif declared == "time step":
        assert index == "" or (isinstance(index, int) and index >= 1)
    elif declared == "kind of layer":
        assert isinstance(index, str)
        assert index != ""
    else:
        assert index in getattr(diagnostic, f"_{declared}")


@pytest.mark.parametrize("name", [name for name in TABLE if registry.find("diagnostics", name).facts.get("only_with")])
def test_what_is_written_only_with_an_option_is_not_written_without(name: str) -> None:
    kind = registry.find("diagnostics", name).load()
    rows, _ = rows_of(name, "mlp", **dict.fromkeys(kind.only_with.values()))
    assert {row["diagnostic"] for row in rows} == set(kind.writes) - set(kind.only_with)
