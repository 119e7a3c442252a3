"""A user's own models and norms, from a file that the user names."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def runs(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("main/*/run.json"))]


def test_model_and_norm_train_and_sweep_like_ours(bnlab: Call, tmp_path: Path, mine: Path) -> None:
    words = [f"plugins=[{mine}]", "model=mlp,narrow", "norm=divide,batch", "epochs=1", f"output_dir={tmp_path}"]
    status, out, err = bnlab("sweep", *words)
    assert (status, err) == (0, "")
    assert "4 complete" in out
    axes = [info["axes"] for info in runs(tmp_path)]
    assert {(a["model"], a["norm"]) for a in axes} == {  # type: ignore[index]
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
    assert len(runs(tmp_path)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1", "Model or Norm"),
        ("def", "cannot be read"),
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


def test_no_such_file(bnlab: Call, tmp_path: Path) -> None:
    status, _, err = bnlab("train", f"plugins=[{tmp_path / 'none.py'}]")
    assert (status, err.count("\n")) == (2, 1)
