"""Layers in call order, and the rows of sites.csv."""

from typing import Any

import pytest
import torch

from bnlab.models.base import dry_run
from bnlab.models.describe import layers, site_rows
from bnlab.runs.schema import COLUMNS

UNIT_0 = ["weight", "before_act", "act", "after_act"]
UNIT = ["before_weight", *UNIT_0]
POINTS = ["flatten", *(f"units.0.{p}" for p in UNIT_0), "dropout", *(f"units.1.{p}" for p in UNIT), "dropout"]
MLP = [*POINTS, "head.weight", "head.output"]
SITE = {"before_weight", "before_act", "after_act", "output"}


@pytest.mark.parametrize(
    ("at", "normed"),
    [
        ((), []),
        (("before_act",), ["units.0.before_act", "units.1.before_act"]),
        (("after_act",), ["units.0.after_act", "units.1.after_act"]),
        (("before_weight",), ["units.1.before_weight"]),
        (("output",), ["head.output"]),
        (
            ("before_act", "after_act"),
            ["units.0.before_act", "units.0.after_act", "units.1.before_act", "units.1.after_act"],
        ),
    ],
)
def test_layers_of_an_mlp_come_in_order(assemble_model: Any, at: tuple[str, ...], normed: list[str]) -> None:
    found = layers(assemble_model("mlp", (5,), 3, norm="layer", at=at, depth=2, width=4, dropout=0.5), 2)
    assert [layer.path for layer in found] == MLP
    assert [layer.path for layer in found if layer.norm] == normed
    assert {layer.norm for layer in found} == {"", *(["layer"] if at else [])}
    for layer in found:
        point = layer.path.rpartition(".")[2]
        assert (layer.kind == point) == (point in SITE)
        assert layer.shape == ((5,) if layer.path == "flatten" else (3,) if "head" in layer.path else (4,))
    by_path = {layer.path: layer.n_params for layer in found}
    assert by_path["units.0.weight"] == 5 * 4 + 4
    assert by_path["head.weight"] == 4 * 3 + 3
    assert all(by_path[path] == 2 * (3 if "output" in path else 4) for path in normed)


def test_layers_of_a_cnn_come_in_order(assemble_model: Any) -> None:
    model = assemble_model(
        "cnn", (1, 8, 8), 10, norm="batch", at=("after_act",), depth=3, width=4, pool_every=2, dropout=0.5
    )
    found = layers(model, 2)
    assert [layer.path for layer in found] == [
        *(f"units.0.{p}" for p in UNIT_0), "dropout",
        *(f"units.1.{p}" for p in UNIT), "pools.1", "dropout",
        *(f"units.2.{p}" for p in UNIT), "dropout",
        "flatten.0", "flatten.1", "head.weight", "head.output",
    ]  # fmt: skip
    assert [layer.shape for layer in found if layer.kind == "Conv2d"] == [(4, 8, 8), (4, 8, 8), (8, 4, 4)]
    assert [layer.norm for layer in found if layer.kind == "after_act"] == ["batch"] * 3
    assert sum(layer.n_params for layer in found) == sum(p.numel() for p in model.parameters())


def test_describing_leaves_no_hooks(assemble_model: Any) -> None:
    model = assemble_model("mlp", (5,), 3)
    layers(model, 2)
    assert not any(module._forward_hooks for module in model.modules())


def test_rows_of_sites(assemble_model: Any) -> None:
    model = assemble_model("cnn", (1, 4, 4), 3, norm="batch", at=("before_act",), depth=2, width=4, pool_every=1)
    rows = site_rows(model, dry_run(model, [2], [2]))
    assert all(tuple(row) == COLUMNS["sites"] for row in rows)
    assert [tuple(row.values()) for row in rows] == [
        ("units.0.weight", "units.0", 0, "weight", "4x1x3x3", "", "units.0.weight.weight"),
        ("units.0.before_act", "units.0", 0, "before_act", "4x4x4", "batch", ""),
        ("units.0.after_act", "units.0", 0, "after_act", "4x4x4", "", ""),
        ("units.1.before_weight", "units.1", 1, "before_weight", "4x2x2", "", ""),
        ("units.1.weight", "units.1", 1, "weight", "8x4x3x3", "", "units.1.weight.weight"),
        ("units.1.before_act", "units.1", 1, "before_act", "8x2x2", "batch", ""),
        ("units.1.after_act", "units.1", 1, "after_act", "8x2x2", "", ""),
        ("head.weight", "head", 2, "weight", "3x8", "", "head.weight.weight"),
        ("head.output", "head", 2, "output", "3", "", ""),
    ]


def test_the_net_without_norm_has_the_rows_of_the_net_with(assemble_model: Any) -> None:
    def rows(at: tuple[str, ...]) -> list[dict[str, Any]]:
        model = assemble_model("mlp", (5,), 3, norm="layer", at=at)
        return [{**row, "norm": ""} for row in site_rows(model, dry_run(model, [2], [2]))]

    assert rows(("before_act", "output")) == rows(())


def test_rows_keep_the_order_of_a_deep_net(assemble_model: Any) -> None:
    model = assemble_model("mlp", (5,), 3, depth=12, width=2)
    rows = site_rows(model, dry_run(model, [2], [2]))
    assert [row["depth"] for row in rows] == sorted(row["depth"] for row in rows)
    assert [row["unit"] for row in rows if row["kind"] == "weight"] == [*(f"units.{i}" for i in range(12)), "head"]
    assert torch.tensor([row["depth"] for row in rows]).max() == 12
