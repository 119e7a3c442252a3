"""experiments/norm-zoo measures what is known of the common norms, and fills its table for all."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "norm-zoo"
MODULES = [path.stem for path in FOLDER.glob("*.py")]
AXES = {  # in training on images, on vectors, in evaluation
    "none": ("–", "–", "–"),
    "batch": ("N H W", "N", "–"),
    "ghost_batch": ("N/2 H W", "N/2", "–"),
    "layer": ("C H W", "C", "C H W"),
    "group": ("C/4 H W", "C/4", "C/4 H W"),
    "instance": ("H W", "refused", "H W"),
}


@pytest.fixture(scope="module")
def make() -> Iterator[ModuleType]:
    """The folder's own modules, which import each other by name; gone again afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in MODULES:
            patch.delitem(importlib.sys.modules, name, raising=False)
        yield importlib.import_module("make")
        for name in MODULES:
            importlib.sys.modules.pop(name, None)


def test_the_table_is_complete_and_right(make: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["norm"]: row for row in map(make.facts, make.specimens())}
    norms = {path.stem for path in (FOLDER.parents[1] / "conf" / "norm").glob("[!_]*.yaml")}
    assert rows.keys() == norms
    assert {
        name: (row["axes"], row["axes_mlp"], row["axes_eval"]) for name, row in rows.items() if name in AXES
    } == AXES
    for row in rows.values():
        assert row["source"]
        if row["acts_on"] != "weight":
            assert row["alone"] == 0  # nothing of an example's evaluation depends on its batch
            assert (row["train_eval"] == 0) == ("num_batches_tracked" not in row["state"])
    batch = next(specimen for specimen in make.specimens() if specimen.label == "batch")
    monkeypatch.setattr(make, "TIMED_VECTORS", (8, 4))
    monkeypatch.setattr(make, "TIMED_IMAGES", (8, 4, 2, 2))
    timed = make.timed(batch, batch, rounds=2)
    assert all(timed[key] > 0 for key in ("time_mlp", "time_images"))
    make.write_csv([row | timed for row in rows.values()], tmp_path / "zoo.csv")
    make.write_markdown([row | timed for row in rows.values()], tmp_path / "zoo.md", "how")
    assert (tmp_path / "zoo.csv").read_text(encoding="utf-8").count("\n") == len(norms) + 1
    for name in norms:
        assert (tmp_path / "zoo.md").read_text(encoding="utf-8").count(f"\n| {name} |") == 3


def test_a_reading_that_shares_elsewhere_is_shown_by_itself(make: ModuleType) -> None:
    (layer,) = (specimen for specimen in make.specimens() if specimen.label == "layer")
    assert [(r.label, make.axes(r, make.IMAGES)) for r in make.readings(layer)] == [("layer axes=channels", "C")]


def test_pictures_are_drawn(make: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "HERE", tmp_path)
    monkeypatch.setattr(make, "LARGE", make.SMALL)
    names = ("group", "layer", "spectral")  # refused on 3 channels, drawn, and of weights
    make.draw([specimen for specimen in make.specimens() if specimen.name in names])
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "shared_small.png", "shared_large.png", "shared_weights.png", "histograms.png",
    }  # fmt: skip
