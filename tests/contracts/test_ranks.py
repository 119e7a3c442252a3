"""Processes that train one run: the numbers of one process, without synchronization those of ghost batch norm.

Batches of 16 of 150 examples: the last one has 6, so that two of four processes have no example of it.
"""

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from bnlab import registry
from bnlab.registry import entries
from bnlab.sweeps.running.team import Team
from bnlab.training.process_ranks import ProcessRanks

NORMS = sorted(name for name, entry in entries("norm").items() if "sync" in entry.options)
MODELS = {
    "mlp": ("model=mlp", "model.width=8", "model.depth=2", "model.dropout=0.2"),
    "cnn": ("model=cnn", "model.width=4", "model.depth=2"),
    "resnet": ("model=resnet", "model.width=4", "model.depth=8"),
    "lstm": ("model=lstm", "model.width=8", "placement=bn_lstm", "optim.lr=0.01"),
}
COMMON = (
    "data=gaussian", "data.shape=[1,8,8]", "data.n_train=190", "data.n_test=20", "data.val_size=40",
    "data.batch_size=16", "data.drop_last=false",
    "precision=float64", "log_every=1", "statistics.modes=[running,batch,recomputed]", "launcher=serial",
)  # fmt: skip
QUICK = [("mlp", 2, NORMS), ("cnn", 4, ["batch"]), ("resnet", 2, ["batch"]), ("lstm", 2, ["batch"])]
ALL = [(model, size, NORMS) for model in MODELS for size in (2, 4)]
CASES = [
    *(pytest.param(*case, 12, id=f"{case[0]}-{case[1]}") for case in QUICK),
    *(pytest.param(*case, 50, id=f"{case[0]}-{case[1]}-all", marks=pytest.mark.exhaustive) for case in ALL),
]

TABLES = ("steps", "evals", "layers")


def numbers(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the numeric columns of a run's tables but for times, and its last tensors as one column each."""
    assert json.loads((folder / "run.json").read_text())["status"] == "complete"
    found = {
        name: pd.read_csv(folder / f"{name}.csv").select_dtypes("number").drop(columns="seconds", errors="ignore")
        for name in TABLES
    }
    payload = torch.load(folder / "checkpoint.pt")
    for part in ("params", "buffers"):
        found |= {name: pd.DataFrame(tensor.flatten().double().numpy()) for name, tensor in payload[part].items()}
    return found


def assert_equal(one: Path, other: Path, *, exact: bool = False) -> None:
    """Check tensors to 1e-10, and tables to the nine digits that they have."""
    ours, theirs = numbers(one), numbers(other)
    assert ours.keys() == theirs.keys()
    for name, table in ours.items():
        tolerance = 1e-7 if name in TABLES else 1e-10
        pd.testing.assert_frame_equal(theirs[name], table, rtol=tolerance, atol=tolerance, check_exact=exact)


def runs(study: Path) -> dict[str, Path]:
    """Return the folders of a study's runs by norm."""
    infos = {path.parent: json.loads(path.read_text()) for path in study.glob("*/run.json")}
    return {info["axes"]["norm"]: folder for folder, info in infos.items()}


@pytest.mark.parametrize(("model", "size", "norms", "steps"), CASES)
def test_synchronized_processes_train_what_one_trains(
    tmp_path: Path, bnlab: Any, model: str, size: int, norms: Sequence[str], steps: int
) -> None:
    words = (*COMMON, *MODELS[model], f"norm={','.join(norms)}", f"steps={steps}", f"output_dir={tmp_path}")
    for processes in (1, size):
        assert bnlab("sweep", *words, f"processes={processes}", f"study=of{processes}").status == 0
    one, many = runs(tmp_path / "of1"), runs(tmp_path / f"of{size}")
    assert one.keys() == many.keys() == set(norms)
    for norm, folder in one.items():
        assert many[norm].name == folder.name, "the number of processes is no part of the id"
        assert_equal(folder, many[norm])


@pytest.mark.parametrize("model", ["mlp", pytest.param("cnn", marks=pytest.mark.exhaustive),
                                   pytest.param("resnet", marks=pytest.mark.exhaustive), "lstm"])  # fmt: skip
def test_processes_without_synchronization_are_the_chunks_of_ghost_batch_norm(
    tmp_path: Path, bnlab: Any, model: str
) -> None:
    words = (*COMMON, *MODELS[model], "steps=12", f"output_dir={tmp_path}")
    assert bnlab("train", *words, "norm=batch", "norm.sync=false", "processes=4", "study=four").status == 0
    assert bnlab("train", *words, "norm=ghost_batch", "norm.chunk=4", "study=ghost").status == 0
    (four,), (ghost,) = runs(tmp_path / "four").values(), runs(tmp_path / "ghost").values()
    assert_equal(ghost, four)


WORDS = (*COMMON, *MODELS["mlp"], "steps=12", "processes=2", "checkpoint_seconds=0")


@pytest.fixture
def whole(tmp_path: Path, bnlab: Any) -> Path:
    """Return the folder of a run that nothing interrupted."""
    assert bnlab("train", *WORDS, f"output_dir={tmp_path / 'whole'}").status == 0
    (folder,) = runs(tmp_path / "whole" / "main").values()
    return folder


def test_a_run_whose_follower_is_killed_goes_on_from_its_checkpoint(
    tmp_path: Path, bnlab: Any, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, teams, begin, add = [0], [], Team.begin, ProcessRanks.add_

    def begun(self: Team, *words: Any) -> None:
        teams.append(self)
        begin(self, *words)

    def added(self: ProcessRanks, value: torch.Tensor) -> None:
        calls[0] += 1
        if calls[0] == 20:
            teams[-1]._followers[0].kill()
        add(self, value)

    monkeypatch.setattr(Team, "begin", begun)
    monkeypatch.setattr(ProcessRanks, "add_", added)
    called = bnlab("train", *WORDS, f"output_dir={tmp_path / 'killed'}")
    assert called.status == 0
    assert "one of its processes ended (out of memory?); it is tried again" in called.out
    assert "it resumes from step" in called.out
    assert len(teams) == 2
    (folder,) = runs(tmp_path / "killed" / "main").values()
    assert_equal(whole, folder, exact=True)


def test_an_interrupted_run_keeps_a_checkpoint_and_is_resumed(
    tmp_path: Path, bnlab: Any, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, add = [0], ProcessRanks.add_

    def added(self: ProcessRanks, value: torch.Tensor) -> None:
        calls[0] += 1
        if calls[0] == 20:
            signal.raise_signal(signal.SIGTERM)
        add(self, value)

    monkeypatch.setattr(ProcessRanks, "add_", added)
    words = ("train", *WORDS, "checkpoint_seconds=1000", f"output_dir={tmp_path / 'stopped'}")
    assert bnlab(*words).status == 143
    called = bnlab(*words)
    assert called.status == 0
    assert "it resumes from step" in called.out
    (folder,) = runs(tmp_path / "stopped" / "main").values()
    assert_equal(whole, folder, exact=True)


def test_a_norm_that_fails_in_every_process_fails_its_run(
    tmp_path: Path, bnlab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_plugins", {})
    plugin = tmp_path / "broken.py"
    plugin.write_text(
        "from bnlab.norms.base import Norm\n\n\n"
        "class Broken(Norm):\n"
        '    """Identity that fails with real numbers."""\n\n'
        '    name = "broken"\n\n'
        "    def forward(self, x):\n"
        "        if not x.is_meta and self.training:\n"
        '            raise RuntimeError("it broke")\n'
        "        return x\n"
    )
    called = bnlab("train", *WORDS, f"plugins=[{plugin}]", "norm=broken", f"output_dir={tmp_path}")
    assert called.status == 1
    assert "RuntimeError: it broke" in called.out + called.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("processes=0",), "processes=0 should be at least 1"),
        (("processes=20", "data.batch_size=16"), "processes=20 cannot share batches of 16"),
        (("processes=16", "norm.sync=false"), "norm=batch has 1 value for each channel here"),
        (("norm=layer", "norm.sync=true"), "norm.sync"),
    ],
)
def test_bad_input(tmp_path: Path, bnlab: Any, words: Sequence[str], said: str) -> None:
    called = bnlab("train", *COMMON, *MODELS["mlp"], *words, f"output_dir={tmp_path}")
    assert called.status == 2
    assert said in called.err
    assert len(called.err.strip().splitlines()) == 1
