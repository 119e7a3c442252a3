"""Every diagnostic at work in training: what it finds alone and stacked, and that the weights know nothing of it."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab import registry
from tests.diagnostics.small import NETS, Training, at_defaults

SEEDS, UPDATES = (0, 1, 2), 2
EVERY = sorted(registry.entries("diagnostics"))
COPIED = {"kept_bytes"}  # stacked replicas keep copies, see tests/training/test_kept.py
Key = tuple[Any, ...]


class Trained(NamedTuple):
    """The numbers of each replica by row, and all that training moved."""

    found: list[dict[Key, np.ndarray[Any, Any]]]
    tensors: dict[str, Tensor]


def trained(net: str, seeds: tuple[int, ...], names: list[str]) -> Trained:
    """Two updates with these diagnostics at both and at the end."""
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
    """Weights, running statistics and velocities, to the last bit."""
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
