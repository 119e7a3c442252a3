"""Two axes crossed, chosen from those that vary."""

from typing import Any

from bnlab.report.interface import Missing, Table
from bnlab.report.reading import read
from bnlab.report.tables.crossed import table


def made(study: Any) -> Table:
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Table)
    return found


def test_norm_by_placement_with_none_in_every_row(study: Any) -> None:
    study.run("none", val=0.5)
    for number, place in enumerate(("before_act", "after_act")):
        for norm, val in (("batch", 0.8), ("layer", 0.7)):
            study.run(norm, val=val + number / 10, axes={"placement": place})
    found = made(study)
    assert found.shown.to_dict("records") == [
        {"placement": "after_act", "none": "0.500", "batch": "0.900", "layer": "0.800"},
        {"placement": "before_act", "none": "0.500", "batch": "0.800", "layer": "0.700"},
    ]
    assert found.data[["placement", "norm", "lr", "n", "test_accuracy"]].to_numpy().tolist()[0] == [
        "after_act", "none", 0.1, 1, 0.5,
    ]  # fmt: skip


def test_norm_by_batch_size_by_number_and_with_holes(study: Any) -> None:
    for size in (16, 4, 128):
        study.run("batch", val=0.5 + size / 1000, axes={"data.batch_size": size})
    study.grid("layer", {0.1: [0.6, "diverged"]}, axes={"data.batch_size": 16})
    assert made(study).shown.to_dict("records") == [
        {"data.batch_size": "4", "batch": "0.504", "layer": "–"},
        {"data.batch_size": "16", "batch": "0.516", "layer": "0.600 (1/2 diverged)"},
        {"data.batch_size": "128", "batch": "0.628", "layer": "–"},
    ]


def test_one_norm_crosses_the_other_axes(study: Any) -> None:
    for depth in (2, 4, 8):
        for size in (4, 16):
            study.run("batch", val=depth / 10 + size / 1000, axes={"model.depth": depth, "data.batch_size": size})
    found = made(study)
    assert list(found.shown.columns) == ["model.depth", "data.batch_size 4", "data.batch_size 16"]
    assert found.shown["data.batch_size 16"].tolist() == ["0.216", "0.416", "0.816"]


def test_one_axis_alone_is_not_crossed(study: Any) -> None:
    study.run("none")
    study.run("batch")
    found = table(read([study.folder], 0.9, 0.05))
    assert isinstance(found, Missing)
    assert "only one axis varies" in found.reason
    study.run("batch", axes={"model.depth": 9})
    study.count = 0
    assert isinstance(made(study), Table)
