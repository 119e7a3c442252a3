"""Runs trained together leave what they leave alone: the same rows and columns, and nearly the same values."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bnlab.runs.schema import COLUMNS, RUN_TIMES, TIMES

Call = Callable[..., tuple[int, str, str]]
SMALL = ["model.width=16", "data.train_size=300", "data.batch_size=16", "log_every=5"]
NET = [*SMALL, "model.depth=2"]
# Momentum 0 keeps no velocity and weight decay 0 is skipped, but for a pack that has others too.
GRID = ["optim.lr=0.01,0.03", "optim.momentum=0,0.9", "optim.weight_decay=0,0.01"]


def folders(study: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in study.glob("*/run.json")}


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    payload = torch.load(folder / "checkpoint.pt", weights_only=True)
    slots = {f"{slot}.{n}": value for slot, values in payload["slots"].items() for n, value in enumerate(values)}
    return payload["params"] | payload["buffers"] | slots


def assert_near(one: Path, other: Path, tolerance: float) -> None:
    """Two studies hold the same runs, rows and columns, with values that differ by less than rounding explains."""
    ours, theirs = folders(one), folders(other)
    assert ours.keys() == theirs.keys()
    for run_id, folder in ours.items():
        for table in COLUMNS:
            paths = [place / f"{table}.csv" for place in (folder, theirs[run_id])]
            assert paths[0].exists() == paths[1].exists()
            if paths[0].exists():
                a, b = (pd.read_csv(path).drop(columns=list(TIMES.get(table, ()))) for path in paths)
                words = a.select_dtypes(exclude="number").columns
                pd.testing.assert_frame_equal(a[words], b[words])
                if table != "histograms":  # a value at the edge of a bin may fall on either side
                    pd.testing.assert_frame_equal(a, b, rtol=tolerance, atol=tolerance)
        a, b = tensors(folder), tensors(theirs[run_id])
        assert a.keys() == b.keys()
        for name, tensor in a.items():
            torch.testing.assert_close(tensor, b[name], rtol=tolerance, atol=tolerance)
        a, b = (json.loads((place / "run.json").read_text()) for place in (folder, theirs[run_id]))
        assert {key for key in a if a[key] != b[key]} <= {*RUN_TIMES, "metrics", "execution", "command"}


@pytest.mark.parametrize(
    ("precision", "steps", "tolerance"), [("float64", 200, 1e-8), ("float32", 20, 1e-4)], ids=["double", "single"]
)
def test_fused_leaves_what_serial_leaves(
    bnlab: Call, tmp_path: Path, precision: str, steps: int, tolerance: float
) -> None:
    words = ["sweep", *NET, *GRID, f"precision={precision}", f"steps={steps}", f"output_dir={tmp_path}"]
    for launcher in ("serial", "fused"):
        status, _, err = bnlab(*words, f"launcher={launcher}", f"study={launcher}")
        assert (status, err) == (0, "")
    assert_near(tmp_path / "serial", tmp_path / "fused", tolerance)
    for executor, runs in (("serial", 1), ("fused", 8)):
        for folder in folders(tmp_path / executor).values():
            execution = json.loads((folder / "run.json").read_text())["execution"]
            assert (execution["executor"], execution["runs"]) == (executor, runs)
    assert sorted(path.name for path in (tmp_path / "fused").glob("*") if path.is_file()) == ["index.csv", "packs.json"]


@pytest.mark.parametrize(
    "words",
    [
        ["model.depth=2", "norm=batch", "statistics.freeze=both", "statistics.freeze_from=6"],
        [
            "model.depth=2",
            "norm=batch",
            "statistics=compared",
            "model.dropout=0.2",
            "data.augment=true",
            "accumulate=2",
        ],
        ["model.depth=2", "optim=adam", "schedule=plateau", "schedule.patience=0", "clip=1.0"],
        ["model.depth=2", "freeze=[units.0.*]"],
        ["model=rnn", "model.width=8"],
    ],
    ids=["frozen statistics", "noise and statistics", "adam", "frozen weights", "rnn"],
)
def test_every_option_works_in_a_pack(bnlab: Call, tmp_path: Path, words: list[str]) -> None:
    rest = ["precision=float64", "epochs=2", "seed=0,1", "optim.lr=0.001,0.01", f"output_dir={tmp_path}"]
    for launcher in ("serial", "fused"):
        status, out, err = bnlab("sweep", *SMALL, *words, *rest, f"launcher={launcher}", f"study={launcher}")
        assert (status, err) == (0, ""), out
    assert_near(tmp_path / "serial", tmp_path / "fused", 1e-8)


def test_a_pack_begins_with_the_weights_of_another_run(bnlab: Call, tmp_path: Path) -> None:
    bnlab("train", *NET, "norm=batch", "steps=20", f"output_dir={tmp_path}", "study=first")
    (first,) = folders(tmp_path / "first").values()
    words = [f"init_from={first}", "optim.lr=1e-30", "seed=0,1", "steps=1", "norm=batch", f"output_dir={tmp_path}"]
    assert bnlab("sweep", *NET, *words, "launcher=fused", "study=tuned")[0] == 0
    for folder in folders(tmp_path / "tuned").values():
        for name, parameter in torch.load(folder / "checkpoint.pt", weights_only=True)["params"].items():
            assert torch.equal(parameter, torch.load(first / "checkpoint.pt", weights_only=True)["params"][name])


def test_a_diverged_run_leaves_its_siblings_as_they_are(bnlab: Call, tmp_path: Path) -> None:
    words = ["sweep", *NET, "seed=0,1", "steps=40", "launcher=fused", f"output_dir={tmp_path}"]
    bnlab(*words, "optim.lr=0.01,0.02", "study=calm")
    bnlab(*words, "optim.lr=0.01,1e30", "study=wild")
    calm, wild = (folders(tmp_path / study) for study in ("calm", "wild"))
    both = calm.keys() & wild.keys()
    assert len(both) == 2
    for run_id in both:
        for name, tensor in tensors(calm[run_id]).items():
            np.testing.assert_array_equal(tensor, tensors(wild[run_id])[name])
    for run_id in wild.keys() - both:
        info = json.loads((wild[run_id] / "run.json").read_text())
        assert info["status"] == "diverged"
        assert pd.read_csv(wild[run_id] / "steps.csv")["step"].iloc[-1] == info["diverged_at"]
        assert not (wild[run_id] / "checkpoint.pt").exists()
