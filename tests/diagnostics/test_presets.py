"""The presets on the command line: the files that they write, and that they do not change the weights."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Call = Callable[..., tuple[int, str, str]]
STANDARD = {
    "activation_mean", "activation_std", "activation_min", "activation_max", "weight_grad_norm",
    "activation_percentile", "dead_units", "channel_spread", "activation_grad_norm",
}  # fmt: skip
# Diagnostics that `full` writes for every net with batch norm; saturation is added for bounded activations.
EVERYWHERE = STANDARD | {
    "weight_grad_mean", "weight_grad_std", "weight_grad_max", "update_ratio", "mean_drift", "variance_drift",
    "mean_cosine", "stable_rank", "soft_rank", "soft_rank_unscaled", "weight_grad_product", "weight_grad_cosine",
    "gain_mean", "gain_std", "gain_min", "gain_max", "shift_mean", "shift_std", "shift_min", "shift_max",
    "dropout_shift", "site_drift", "gradient_shift", "gradient_shift_cosine",
    "landscape_loss", "gradient_distance", "effective_beta", "kept_bytes",
}  # fmt: skip
OWN = {
    "mlp": {"activation_saturation"},
    "cnn": set(),
    "lstm": {"activation_saturation", "grad_through_time"},
    "resnet": {"residual_ratio"},
}
LACKING = {"lstm": {"shift_mean", "shift_std", "shift_min", "shift_max"}}  # the gates have a separate bias
NETS = {
    "mlp": ("model.activation=tanh", "model.width=16"),
    "cnn": ("model.depth=2", "model.width=4"),
    "lstm": ("model.width=8",),
    "resnet": ("model.depth=8", "model.width=2"),
}


def train(bnlab: Call, tmp_path: Path, *words: str) -> Path:
    length = () if any(word.startswith("steps=") for word in words) else ("epochs=1",)
    status, out, err = bnlab("train", "data.train_size=200", *length, *words, f"output_dir={tmp_path}")
    assert (status, err) == (0, "")
    return Path(out.splitlines()[-1])


@pytest.mark.parametrize("model", NETS)
def test_full_measures_everything_and_changes_nothing(bnlab: Call, tmp_path: Path, model: str) -> None:
    net = (f"model={model}", *NETS[model])
    off = train(bnlab, tmp_path / "off", *net, "diagnostics=off")
    full = train(bnlab, tmp_path / "full", *net, "diagnostics=full")
    with (full / "layers.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["diagnostic"] for row in rows} == (EVERYWHERE | OWN[model]) - LACKING.get(model, set())
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
    assert written == STANDARD | {"unit_percentile"}


HISTOGRAMS = ("activation_histogram", "weight_grad_histogram", "norm_affine_histogram")


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("activation_percentiles.percentiles=[15,101]", "at most 100"),
     ("activation_percentiles.unit=-1", "at least 0"),
     ("activation_saturation.margin=2", "at most 1"),
     *((f"{name}.bins=1000000000", "at most 4096") for name in HISTOGRAMS)],
)  # fmt: skip
def test_a_bad_option_is_one_line(bnlab: Call, tmp_path: Path, word: str, wanted: str) -> None:
    status, _, err = bnlab("train", "diagnostics=full", f"diagnostics.{word}", f"output_dir={tmp_path}")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert wanted in err


def test_one_word_sets_when_all_numbers_are_taken(bnlab: Call, tmp_path: Path) -> None:
    words = ("diagnostics=full", "when=[2]", "steps=5", "data.batch_size=50", "model.width=8", "model.depth=2")
    folder = train(bnlab, tmp_path, *words)
    with (folder / "layers.csv").open(encoding="utf-8") as handle:
        assert {int(row["step"]) for row in csv.DictReader(handle)} == {0, 2, 4}
    with (folder / "histograms.csv").open(encoding="utf-8") as handle:
        assert {int(row["step"]) for row in csv.DictReader(handle)} == {0, 5}, "these keep their own moments"
