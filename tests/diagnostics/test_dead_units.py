"""Dead units compared with a check of each unit."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.dead_units import DeadUnits
from bnlab.diagnostics.look import Look

DEAD = DeadUnits(when=["init"])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(2, 16), (2, 9, 2, 1), (1, 1)])
@pytest.mark.parametrize("firings", [1, 2])
def test_equals_looking_at_each_unit(shape: tuple[int, ...], replicas: int, dtype: torch.dtype, firings: int) -> None:
    draw = torch.Generator().manual_seed(0)
    passed = tuple((torch.randn(replicas, *shape, generator=draw) - 0.5).relu().to(dtype) for _ in range(firings))
    found = DEAD.observe(Look({"units.0.after_act": passed}, {}))["units.0.after_act"]
    for r in range(replicas):
        dead = [all((v[r][:, unit] == 0).all() for v in passed) for unit in range(shape[1])]
        assert found[r].tolist() == [np.mean(dead)]


def test_what_is_not_finite_is_not_dead_and_nan_shows() -> None:
    x = torch.tensor([[[0.0, torch.nan]], [[0.0, torch.inf]], [[0.0, -0.0]], [[1e-45, -1e-45]]])
    found = DEAD.observe(Look({"units.0.after_act": (x,)}, {}))["units.0.after_act"].squeeze(1).tolist()
    assert np.isnan(found[0])
    assert found[1:] == [0.5, 1.0, 0.0]


def test_only_sites_behind_an_activation_are_observed(random_sites: Any) -> None:
    assert list(DEAD.observe(Look(random_sites(1), {}))) == ["units.0.after_act"]


def test_a_row_names_the_site() -> None:
    (row,) = DEAD.rows(3, "units.0.after_act", np.array([0.5]))
    assert row == {"step": 3, "site": "units.0.after_act", "diagnostic": "dead_units", "value": 0.5}
