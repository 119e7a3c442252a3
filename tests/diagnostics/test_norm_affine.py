"""Gains and shifts compared with NumPy, for norms of every kind."""

from typing import Any

import numpy as np
import pytest
import torch

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.norm_affine import MOMENTS, NormAffine
from tests.diagnostics.real import seen

DIAGNOSTIC = NormAffine(when=["init"])
SHAPES = {
    "units.0.before_act.norm.weight": 8, "units.0.before_act.norm.bias": 8, "units.1.before_act.norm.weight": 8,
    "units.1.after_act.norm.bias": 1, "units.1.weight.norm.gain": 5, "cell.norm.weight": 1,
}  # fmt: skip
OTHERS = {
    "units.0.weight.weight": torch.ones(3, 4, 5), "units.0.weight.bias": torch.ones(3, 5),
    "units.0.before_act.norm.threshold": torch.ones(3, 8), "units.0.before_act.norm.learned_eps": torch.ones(3),
}  # fmt: skip
WHICH = {"weight": "gain", "gain": "gain", "bias": "shift"}


def written(params: Named, replica: int) -> dict[tuple[str, str], float]:
    """Return the values by site and name, from the rows."""
    found: dict[tuple[str, str], float] = {}
    for site, values in DIAGNOSTIC.observe(Look({}, params=params)).items():
        rows = DIAGNOSTIC.rows(3, site, values[replica].numpy())
        assert all((row["step"], row["site"]) == (3, site) for row in rows)
        found |= {(site, row["diagnostic"]): row["value"] for row in rows}
    return found


def reference(params: Named, replica: int) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for name, p in params.items():
        site, part = name.split(".norm.")
        x = p[replica].double().numpy()
        for moment, value in zip(MOMENTS, (x.mean(), x.std(), x.min(), x.max()), strict=True):
            found[site, f"{WHICH[part]}_{moment}"] = value
    return found


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_numpy(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    params = {name: 2 + torch.randn(replicas, n, generator=draw).to(dtype) for name, n in SHAPES.items()}
    others = {name: p[:replicas] for name, p in OTHERS.items()}
    for r in range(replicas):
        assert written(others | params, r) == pytest.approx(reference(params, r), rel=1e-12)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(
    ("norm", "parts"),
    [
        ("batch", ["weight", "bias"]), ("layer", ["weight", "bias"]), ("rms", ["weight"]), ("frn", ["weight", "bias"]),
        ("mean_only_batch", ["bias"]), ("weight", ["gain"]), ("spectral", []), ("none", []),
    ],
)  # fmt: skip
def test_every_norm_shows_what_it_has(norm: str, parts: list[str], replicas: int) -> None:
    net: dict[str, Any] = {"norm": norm, "depth": 2, "width": 4}
    at = [] if norm in ("weight", "spectral", "none") else ["before_act"]
    found = seen("cnn", (2, 6, 6), replicas, at=at, **net)
    for r, one in enumerate(found.nets):
        own = {
            name: p.detach()[None]
            for name, p in one.named_parameters()
            if ".norm." in name and name.rpartition(".")[2] in parts
        }
        assert len(own) == 2 * len(parts)
        assert written(found.look.params, r) == pytest.approx(reference(own, 0), rel=1e-12)


def test_gains_of_a_recurrent_net_start_where_they_were_told() -> None:
    at = ["input_to_hidden", "hidden_to_hidden", "cell"]
    found = written(seen("lstm", (1, 4, 3), 1, updates=0, norm="batch", at=at, width=5, gamma=0.1).look.params, 0)
    for site in (f"units.0.{kind}" for kind in at):
        assert [found[site, f"gain_{moment}"] for moment in MOMENTS] == pytest.approx([0.1, 0.0, 0.1, 0.1], rel=1e-6)
    assert [found["units.0.cell", f"shift_{moment}"] for moment in MOMENTS] == [0.0] * 4
    assert len(found) == 16  # the other two have no shift


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows_and_stays_with_its_replica(value: float) -> None:
    params = {"s.norm.weight": torch.tensor([[1.0, value], [1.0, 3.0]]), "s.norm.bias": torch.zeros(2, 2)}
    lost, other = written(params, 0), written(params, 1)
    gains = [lost["s", f"gain_{moment}"] for moment in MOMENTS]
    np.testing.assert_array_equal(gains, [value, np.nan, np.nan if np.isnan(value) else 1.0, value])
    assert [lost["s", f"shift_{moment}"] for moment in MOMENTS] == [0.0] * 4
    assert [other["s", f"gain_{moment}"] for moment in MOMENTS] == [2.0, 1.0, 1.0, 3.0]
