"""The grid of an experiment: products side by side, in sizes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from bnlab.errors import BadInput
from bnlab.sweeps.layout.grid import folder, products

Call = Callable[..., tuple[int, str, str]]


def test_one_product_is_its_params() -> None:
    assert products({"norm": "none,batch", "seed": 0}, None, None, None) == [["norm=none,batch", "seed=0"]]
    assert products(None, None, None, None) == [[]]


def test_each_sweep_is_crossed_with_the_params_and_wins_over_them() -> None:
    sweeps = [{"optim": "sgd", "optim.lr": "0.1,1"}, {"optim": "adam", "seed": "0,1"}]
    assert products({"seed": 0}, sweeps, None, None) == [
        ["seed=0", "optim=sgd", "optim.lr=0.1,1"],
        ["seed=0,1", "optim=adam"],
    ]


SCALES = {
    "smoke": {"params": {"epochs": 1}, "sweeps": [{"optim": "sgd"}]},
    "cpu": {"params": {"epochs": 5}},
    "paper": {},
}


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("smoke", [["epochs=1", "optim=sgd"]]),
        ("cpu", [["epochs=5", "optim=adam"]]),
        (None, [["epochs=5", "optim=adam"]]),
        ("paper", [["epochs=9", "optim=adam"]]),
    ],
)
def test_a_size_adds_params_and_replaces_sweeps(scale: str | None, expected: list[list[str]]) -> None:
    assert products({"epochs": 9}, [{"optim": "adam"}], SCALES, scale) == expected


def test_values_of_the_yaml_are_written_as_overrides() -> None:
    read = OmegaConf.create("{a: true, b: null, c: [running, batch], d: '1,2', e: 1.0e-3}")
    assert products(read, None, None, None) == [["a=true", "b=null", "c=[running,batch]", "d=1,2", "e=0.001"]]


def test_a_size_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="did you mean smoke"):
        products({}, None, SCALES, "smoek")
    with pytest.raises(BadInput, match="bnlab list study"):
        products({}, None, None, "cpu")


def test_only_cpu_lies_in_the_experiments_own_folder() -> None:
    assert folder("some", None) == folder("some", "cpu") == []
    assert folder("some", "smoke") == ["study=some_smoke"]


EXPERIMENT = """\
# @package _global_
# Two optimizers with rates of their own
defaults: []
model: {depth: 1, width: 8}
steps: 2
hydra:
  sweeper:
    params: {norm: "none,batch"}
    sweeps:
      - {optim: sgd, optim.momentum: 0, optim.lr: "0.1,1"}
      - {optim: adam, optim.lr: 0.01}
    scales:
      smoke: {params: {norm: none}}
      cpu: {}
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A folder with an experiment of two products in two sizes."""
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "two.yaml").write_text(EXPERIMENT)
    return str(tmp_path / "mine")


@pytest.mark.parametrize(
    ("words", "runs", "study"),
    [
        ([], 6, "two"),
        (["scale=cpu"], 6, "two"),
        (["scale=smoke"], 3, "two_smoke"),
        (["scale=smoke", "study=own"], 3, "own"),
        (["norm=layer", "optim.lr=0.5,5"], 4, "two"),
    ],
)
def test_an_experiment_is_swept(
    bnlab: Call, mine: str, tmp_path: Path, words: list[str], runs: int, study: str
) -> None:
    status, out, err = bnlab("sweep", "--config-dir", mine, "experiment=two", *words, f"output_dir={tmp_path / 'out'}")
    assert (status, err) == (0, "")
    assert f"{runs} runs: {runs} to train" in out
    assert len(list((tmp_path / "out" / study).glob("*/run.json"))) == runs


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sweep experiment=two scale=big", "scale=big is not a size of this experiment"),
        ("sweep experiment=two scale=smoke,cpu", "scale=smoke,cpu is not a size"),
        ("sweep experiment=demo scale=cpu", "bnlab list study"),
        ("train scale=cpu", "bnlab study NAME scale=cpu"),
    ],
)
def test_a_wrong_size_is_one_line(bnlab: Call, mine: str, words: str, said: str) -> None:
    verb, *rest = words.split()
    status, out, err = bnlab(verb, "--config-dir", mine, *rest)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
