"""A user's own models and norms, from a plugin file."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bnlab import registry

Call = Callable[..., tuple[int, str, str]]

MINE = '''
from torch import nn

from bnlab.models.base import Model
from bnlab.models.units import Head, Unit
from bnlab.norms.base import Norm
from bnlab.options import Count, Positive


class Narrow(Model):
    """One narrow unit, and the head."""

    name = "narrow"
    default_sites = ("before_act",)

    def __init__(self, shape, outputs, norms, *, width: Count = 5):
        super().__init__()
        self.units = nn.ModuleList([Unit(nn.Linear(64, width), 64, width, "relu", norms, first=True)])
        self.head = Head(width, outputs, norms)

    def forward(self, x):
        return self.head(self.units[0](x.flatten(1)))


class Divide(Norm):
    name = "divide"

    def __init__(self, features: int, *, by: Positive = 2.0):
        super().__init__(features)
        self.by = by

    def forward(self, x):
        return x / self.by
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(registry, "_plugins", {})
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def runs(folder: Path, study: str = "main") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{study}/*/run.json"))]


def test_model_and_norm_train_and_sweep_like_ours(bnlab: Call, tmp_path: Path, mine: Path) -> None:
    words = [f"plugins=[{mine}]", "model=mlp,narrow", "norm=divide,batch", "epochs=1", f"output_dir={tmp_path}"]
    status, out, err = bnlab("sweep", *words)
    assert (status, err) == (0, "")
    assert "4 complete" in out
    axes = [info["axes"] for info in runs(tmp_path)]
    assert {(a["model"], a["norm"]) for a in axes} == {
        ("mlp", "divide"), ("mlp", "batch"), ("narrow", "divide"), ("narrow", "batch"),
    }  # fmt: skip
    assert "narrow" in bnlab("show", f"plugins=[{mine}]", "model=narrow", "norm=divide")[1]


def test_options_are_checked_like_ours(bnlab: Call, mine: Path) -> None:
    for word, right in (("model.wdth=3", "model.width"), ("model.width=0", "1"), ("model.width=wide", "whole number")):
        status, _, err = bnlab("train", f"plugins=[{mine}]", "model=narrow", word)
        assert (status, err.count("\n")) == (2, 1)
        assert right in err


def test_what_a_plugin_does_is_part_of_a_runs_identity_and_where_it_lies_is_not(
    bnlab: Call, tmp_path: Path, mine: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text(MINE)
    changed = tmp_path / "changed.py"
    changed.write_text(MINE.replace("x / self.by", "x * self.by"))
    for path in (mine, elsewhere, changed):
        bnlab("train", f"plugins=[{path}]", "norm=divide", "epochs=1", "model.width=8", f"output_dir={tmp_path}")
    one, other = (run["axes"] for run in runs(tmp_path))
    assert one.pop("norm.code") != other.pop("norm.code"), "reports keep them apart"
    assert one == other


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "Model or Norm"),
        ("def", "cannot be read as Python (line 1: "),
        ("x = '\0'", "cannot be read as Python (source code string cannot contain null bytes)"),
        ("(" * 5000 + ")" * 5000, "cannot be read as Python ("),
        ("#" * (registry.LARGEST + 1), "has 1048577 bytes, more than 1048576"),
        (MINE.replace('"divide"', "5"), "5 is not a valid name for Divide"),
        (MINE.replace('"divide"', '"../x"'), "'../x' is not a valid name for Divide"),
        (MINE.replace(" = 2.0", " = 1 / 2"), "a default of Divide is computed; write its value"),
        (MINE.replace(": Positive", ": Positive.nothing"), "annotate options with builtins or bnlab.options"),
        (MINE.replace(": Positive", ": int[5]"), "annotate options with builtins or bnlab.options"),
        (MINE.replace('"narrow"', '"mlp"'), "another name"),
        (MINE.replace(" = 5", ""), "default"),
        (MINE.replace("width: Count", "width: Counts"), "Counts"),
        (MINE.replace('    default_sites = ("before_act",)\n', ""), "default_sites"),
    ],
)
def test_mistakes_in_the_file_give_one_line(bnlab: Call, mine: Path, text: str, says: str) -> None:
    mine.write_text(text)
    status, _, err = bnlab("train", f"plugins=[{mine}]")
    assert (status, err.count("\n")) == (2, 1)
    assert says in err
    assert str(mine) in err


NORM = """
import torch
from torch import nn
from bnlab.norms.base import Norm

class Own({base}):
    name = "own"

    def __init__(self, features):
        {init}

    def forward(self, x):
        {forward}
{rest}
"""
BASE, INIT, FORWARD = "Norm", "super().__init__(features)", "return x"
BUFFER = f"{INIT}; self.register_buffer('m', torch.empty(features))"
RESET = "    def reset_parameters(self): self.m.zero_()"
ANEW = "self.m = 0.9 * self.m + 0.1 * x.mean(0); return x - self.m"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((BASE, "super().__init__()", FORWARD, ""), "line 10: TypeError: Norm.__init__() missing"),
        (("nn.Module", "super().__init__()", FORWARD, ""), "Own extends neither"),
        ((BASE, INIT, "return x.mean(1)", ""), "Own of "),
        ((BASE, INIT, "return x if x.mean() > 0 else -x", ""), "line 13: RuntimeError: Tensor.item() cannot be called"),
        ((BASE, INIT, "return y", ""), "line 13: NameError: name 'y' is not defined"),
        ((BASE, BUFFER, FORWARD, ""), "Own gives m no initial value, or nan: write it in Own.reset_parameters"),
        ((BASE, BUFFER.replace("features))", "3, dtype=torch.long))"), FORWARD, ""), "Own gives m no initial value"),
        (
            (BASE, f"{INIT}; self.register_buffer('m', None)", "self.m = x.mean(0); return x", ""),
            "register it with its",
        ),
        (
            (BASE, BUFFER, ANEW, RESET),
            "Own replaces its buffer m with another tensor: change it in place, self.m.copy_(",
        ),
        ((BASE, f"{INIT}; self.g = nn.Parameter(torch.ones(features))", "return self.g * x", ""), "Own gives g no"),
    ],
)
def test_faults_of_a_norm_give_one_line(bnlab: Call, mine: Path, parts: tuple[str, ...], says: str) -> None:
    mine.write_text(NORM.format(**dict(zip(("base", "init", "forward", "rest"), parts, strict=True))))
    status, _, err = bnlab("train", f"plugins=[{mine}]", "norm=own", f"output_dir={mine.parent}")
    assert (status, err.count("\n")) == (2, 1)
    assert says in err
    assert not (mine.parent / "main").exists()


def test_what_the_machine_lacks_fails_and_may_be_tried_again(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    needs = tmp_path / "needed.txt"
    init = f"{INIT}; open({str(needs)!r})"
    mine.write_text(NORM.format(base=BASE, init=init, forward=FORWARD, rest=""))
    words = ["sweep", f"plugins=[{mine}]", "norm=own,none", "steps=2", "launcher=serial", f"output_dir={tmp_path}"]
    status, out, _ = bnlab(*words)
    assert (status, "1 complete, 1 failed" in out, "FileNotFoundError" in out) == (1, True, True)
    needs.write_text("")
    assert bnlab(*words, "sweep.retry=failed")[0] == 0


def test_a_package_that_is_not_there_is_named(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    mine.write_text("import nosuchpackage\n" + NORM.format(base=BASE, init=INIT, forward=FORWARD, rest=""))
    status, out, _ = bnlab("sweep", f"plugins=[{mine}]", "norm=own", "seed=0,1", "steps=2", f"output_dir={tmp_path}")
    assert (status, out.count("No module named 'nosuchpackage'")) == (
        1,
        4,
    )  # as they end, and in the list of the failed


def test_a_norm_of_weights_may_be_extended(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    mine.write_text("from bnlab.norms.weight import WeightNorm\nclass Own(WeightNorm):\n    name = 'own'\n")
    status, _, err = bnlab("train", f"plugins=[{mine}]", "norm=own", "steps=2", f"output_dir={tmp_path}")
    assert (status, err) == (0, "")


def test_layers_of_torch_start_from_the_seed(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    """Also those that draw from the global generator, whose state does not change."""
    head, more = "self.head = Head(width, outputs, norms)", "self.more = nn.Bilinear(64, 64, width)"
    passed = "self.units[0](x.flatten(1))"
    text = MINE.replace(head, f"{head}\n        {more}")
    mine.write_text(text.replace(passed, f"{passed} + self.more(x.flatten(1), x.flatten(1))"))
    found = []
    for n in range(2):
        torch.manual_seed(n)
        state = torch.get_rng_state()
        words = [f"plugins=[{mine}]", "model=narrow", "steps=20", f"output_dir={tmp_path / str(n)}"]
        assert bnlab("train", *words)[0] == 0
        assert torch.equal(torch.get_rng_state(), state)
        found.append(runs(tmp_path / str(n))[0]["metrics"])
    assert found[0] == found[1]


def test_a_buffer_changed_in_place_trains_alike_in_packs(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    change = "self.m.mul_(0.9).add_(0.1 * x.detach().mean(0)); return x - self.m"
    mine.write_text(NORM.format(base=BASE, init=BUFFER, forward=change, rest=RESET))
    words = [f"plugins=[{mine}]", "norm=own", "seed=0,1", "steps=30", "precision=float64"]
    for launcher in ("serial", "fused"):
        status, _, err = bnlab("sweep", *words, f"launcher={launcher}", f"output_dir={tmp_path / launcher}")
        assert (status, err) == (0, "")
    metrics = [[run["metrics"] for run in runs(tmp_path / launcher)] for launcher in ("serial", "fused")]
    for alone, together in zip(*metrics, strict=True):
        assert alone == pytest.approx(together, abs=1e-8)


def test_an_experiment_may_name_it(bnlab: Call, tmp_path: Path, mine: Path) -> None:
    path = tmp_path / "conf/experiment/own.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f"# @package _global_\nplugins: [{mine}]\nsteps: 2\nhydra: {{sweeper: {{params: {{norm: 'divide,none'}}}}}}\n"
    )
    words = ["experiment=own", "--config-dir", str(tmp_path / "conf"), f"output_dir={tmp_path}"]
    status, out, err = bnlab("sweep", *words)
    assert (status, err) == (0, "")
    assert "2 complete" in out
    (command,) = (run["command"] for run in runs(tmp_path, "own") if run["axes"]["norm"] == "divide")
    assert bnlab(*command.split()[1:])[0] == 0


@pytest.mark.parametrize(
    ("name", "says"), [("none.py", "none.py does not exist"), (".", "is a folder"), ("pipe", "regular file")]
)
def test_no_such_file(bnlab: Call, tmp_path: Path, name: str, says: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    status, _, err = bnlab("train", f"plugins=[{tmp_path / name}]")
    assert (status, err.count("\n")) == (2, 1)
    assert says in err


def test_a_helper_module_is_part_of_the_code(
    bnlab: Call, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    mine.write_text("import bnlab_test_helper\n" + NORM.format(base=BASE, init=INIT, forward=FORWARD, rest=""))
    ids = set()
    for text in ("X = 1", "X = 2", "X = 1"):
        (tmp_path / "bnlab_test_helper.py").write_text(text)
        out = bnlab("train", f"plugins=[{mine}]", "norm=own", "steps=1", f"output_dir={tmp_path}")[1]
        ids.add(out.splitlines()[-1])
    assert len(ids) == 2


def test_a_fault_of_a_plugin_may_be_tried_again(bnlab: Call, mine: Path, tmp_path: Path) -> None:
    forward = f"assert __import__('os').path.exists({str(tmp_path / 'there')!r}), 'todo'; return x"
    mine.write_text(NORM.format(base=BASE, init=INIT, forward=forward, rest=""))
    words = ["sweep", f"plugins=[{mine}]", "norm=own,none", "steps=2", "launcher=serial", f"output_dir={tmp_path}"]
    status, out, _ = bnlab(*words)
    assert (status, "1 complete, 1 failed" in out, "AssertionError: todo" in out) == (1, True, True)
    (tmp_path / "there").touch()
    assert bnlab(*words, "sweep.retry=failed")[0] == 0
