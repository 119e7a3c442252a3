"""The presets through the command line: what they leave on disk, and that the weights know nothing of them."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Call = Callable[..., tuple[int, str, str]]
# What full writes of every net; saturation joins where the activation is bounded.
EVERYWHERE = {
    "activation_mean", "activation_std", "activation_min", "activation_max", "weight_grad_norm",
    "activation_percentile", "dead_units", "channel_spread", "weight_grad_mean", "weight_grad_std", "weight_grad_max",
    "mean_cosine", "stable_rank", "soft_rank",
}  # fmt: skip
NETS = {
    "mlp": ("model.activation=tanh", "model.width=16"),
    "cnn": ("model.depth=2", "model.width=4"),
    "lstm": ("model.width=8",),
}


def train(bnlab: Call, tmp_path: Path, *words: str) -> Path:
    status, out, err = bnlab("train", "data.train_size=200", "epochs=1", *words, f"output_dir={tmp_path}")
    assert (status, err) == (0, "")
    return Path(out.splitlines()[-1])


@pytest.mark.parametrize("model", NETS)
def test_full_measures_everything_and_changes_nothing(bnlab: Call, tmp_path: Path, model: str) -> None:
    net = (f"model={model}", *NETS[model])
    off = train(bnlab, tmp_path / "off", *net, "diagnostics=off")
    full = train(bnlab, tmp_path / "full", *net, "diagnostics=full")
    with (full / "layers.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    bounded = {"activation_saturation"} if model in ("mlp", "lstm") else set()
    assert {row["diagnostic"] for row in rows} == EVERYWHERE | bounded
    assert {row["index"] for row in rows if row["diagnostic"] == "activation_percentile"} == {"15", "50", "85"}
    assert not (off / "layers.csv").exists()
    plain, measured = (torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (off, full))
    for kept in ("params", "buffers"):
        assert plain[kept].keys() == measured[kept].keys()
        assert all(torch.equal(tensor, measured[kept][name]) for name, tensor in plain[kept].items())


def test_standard_leaves_the_geometry_out(bnlab: Call, tmp_path: Path) -> None:
    words = ("diagnostics=standard", "diagnostics.activation_percentiles.unit=3", "model.width=8")
    folder = train(bnlab, tmp_path, *words)
    with (folder / "layers.csv").open(encoding="utf-8") as handle:
        written = {row["diagnostic"] for row in csv.DictReader(handle)}
    assert written == EVERYWHERE - {"mean_cosine", "stable_rank", "soft_rank"} | {"unit_percentile"}


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("activation_percentiles.percentiles=[15,101]", "less than or equal to 100"),
     ("activation_percentiles.unit=-1", "greater than or equal to 0"),
     ("activation_saturation.margin=2", "less than or equal to 1")],
)  # fmt: skip
def test_a_bad_option_is_one_line(bnlab: Call, tmp_path: Path, word: str, wanted: str) -> None:
    status, _, err = bnlab("train", "diagnostics=full", f"diagnostics.{word}", f"output_dir={tmp_path}")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert wanted in err
