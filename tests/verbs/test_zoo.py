"""`bnlab zoo`: a selection of norms, a norm of the user's, bad input."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlab import registry

Call = Callable[..., tuple[int, str, str]]
FILES = {"zoo.md", "zoo.csv", "shared_small.png", "shared_large.png", "histograms.png"}

MINE = '''
from bnlab.norms.base import Norm
from bnlab.options import Positive


class Centred(Norm):
    """Subtract a multiple of the mean of each example's channels.

    Source: the user.
    """

    name = "centred"

    def __init__(self, features: int, *, by: Positive = 1.0):
        super().__init__(features)
        self.by = by

    def forward(self, x):
        return x - self.by * x.mean(1, keepdim=True)
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(registry, "_plugins", {})
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take few draws, and small sizes in pictures and timings."""
    import torch

    from bnlab.zoo import pictures, shared, timing

    monkeypatch.setattr(shared, "_DRAWS", 2)
    monkeypatch.setattr(pictures, "_LARGE", (4, 3, 2, 2))
    vectors = (8, 8)
    monkeypatch.setattr(timing, "_WEIGHTS", {vectors: (8, 8)})
    cases = dict.fromkeys(timing.CASES, (vectors, torch.contiguous_format))
    monkeypatch.setattr(timing, "CASES", cases)


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    with (folder / "zoo.csv").open(encoding="utf-8", newline="") as file:
        return {row["norm"]: row for row in csv.DictReader(file)}


@pytest.mark.usefixtures("small")
def test_a_selection_with_options_varied(bnlab: Call, tmp_path: Path) -> None:
    out = tmp_path / "new" / "zoo"
    status, printed, err = bnlab("zoo", "norm=group,layer", "norm.groups=2,4", "norm.eps=0.1", "--out", str(out))
    assert (status, err) == (0, "")
    found = rows(out)
    assert list(found) == ["group groups=2 eps=0.1", "group groups=4 eps=0.1", "layer eps=0.1"]
    assert [row["axes"] for row in found.values()] == ["C/2 H W", "C/4 H W", "C H W"]
    assert all(float(row["time_mlp"]) > 0 for row in found.values())
    assert {path.name for path in out.iterdir()} == FILES
    assert [line for line in printed.splitlines() if line.startswith(str(out))] == [
        str(out / name) for name in ("zoo.md", "zoo.csv", "shared_small.png", "shared_large.png", "histograms.png")
    ]
    (layer,) = (line for line in printed.splitlines() if line.startswith("layer"))
    assert re.split(r"  +", layer)[1:5] == ["x", "C H W", "C H W", "weight, bias"]
    assert f"Written by `bnlab zoo norm=group,layer norm.groups=2,4 norm.eps=0.1 --out {out}` (torch" in (
        out / "zoo.md"
    ).read_text(encoding="utf-8")


@pytest.mark.usefixtures("small")
def test_an_option_of_one_norm_leaves_the_others_at_their_defaults(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, _ = bnlab("zoo", "norm=group,layer", "norm.groups=2", "--no-time")
    assert status == 0
    found = rows(Path("outputs/zoo"))
    assert list(found) == ["group groups=2", "layer", "layer axes=channels"]
    assert "time_mlp" not in found["layer"]
    assert "time" not in printed


@pytest.mark.usefixtures("small")
def test_a_norm_of_the_users(bnlab: Call, tmp_path: Path, mine: Path) -> None:
    status, _, err = bnlab(
        "zoo", f"plugins=[{mine}]", "norm=centred,none", "norm.by=2", "--no-time", f"--out={tmp_path}"
    )
    assert (status, err) == (0, "")
    found = rows(tmp_path)
    assert list(found) == ["centred by=2", "none"]
    assert (found["centred by=2"]["axes"], found["centred by=2"]["source"]) == ("C", "the user")


@pytest.mark.usefixtures("small")
def test_a_yaml_of_the_users(bnlab: Call, tmp_path: Path) -> None:
    path = tmp_path / "conf" / "norm" / "few.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("name: group\ngroups: 2\neps: 1.0e-5\naffine: true\n")
    words = ["norm=few", "--config-dir", str(tmp_path / "conf"), "--no-time", "--out", str(tmp_path)]
    assert bnlab("zoo", *words)[0] == 0
    assert rows(tmp_path)["few"]["axes"] == "C/2 H W"


def test_by_default_all_are_chosen(bnlab: Call, mine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bnlab.zoo import measure

    chosen: list[str] = []

    def collection(found: list[Any]) -> list[Any]:
        chosen.extend(one.label for one in found)
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "collection", collection)
    status, _, err = bnlab("zoo", f"plugins=[{mine}]", "--out", str(tmp_path))
    assert (status, err) == (130, "bnlab: interrupted\n")
    norms = {path.stem for path in (Path(__file__).parents[2] / "conf" / "norm").glob("[!_]*.yaml")}
    assert set(chosen) == norms | {"centred"}
    assert len(chosen) == len(norms) + 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["norm=grup"], "did you mean group?"),
        (["norm=group", "norm.grups=2"], "did you mean norm.groups?"),
        (["norm=layer,batch", "norm.groups=2"], "norm.groups"),
        (["norm=group", "norm.groups=two"], "norm.groups=two should be a whole number"),
        (["norm=group", "norm.groups=0"], "norm.groups=0 should be at least 1"),
        (["norm=group", "norm.groups=2,,4"], "comma"),
        (["norm=group", "norm.groups="], "norm.groups"),
        (["norm=layer", "norm.axes=rows"], "'all' or 'channels'"),
        (["model=cnn"], "model=cnn is not an option of a norm; usage: bnlab zoo"),
        (["group"], "norm=group"),
        (["--cfg", "job"], "prints no config"),
        (["--no-tim"], "--no-tim"),
        (["--out"], "--out"),
        (["norm=batch", "--out", ""], "--out is empty"),
        (["plugins=[none.py]"], "none.py does not exist"),
    ],
)
def test_bad_input_gives_one_line(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = bnlab("zoo", *words)
    assert (status, err.count("\n")) == (2, 1), err
    assert says in err
    assert not list(tmp_path.iterdir())


def fails(bnlab: Call, *words: str) -> str:
    status, _, err = bnlab("zoo", "--no-time", *words)
    assert (status, err.count("\n")) == (2, 1), err
    return err


@pytest.mark.usefixtures("small")
def test_errors_in_the_users_norm_give_one_line(bnlab: Call, tmp_path: Path, mine: Path) -> None:
    words = (f"plugins=[{mine}]", "norm=centred", "--out", str(tmp_path / "out"))
    mine.write_text(MINE.replace("self.by * x", "self.bye * x"))
    assert f"{mine}, line 19: AttributeError" in fails(bnlab, *words)
    mine.write_text(MINE.replace("from bnlab.options", "import nosuchpackage\nfrom bnlab.options"))
    assert f"plugins: {mine}: No module named 'nosuchpackage'" in fails(bnlab, *words)
    mine.write_text(MINE.replace("(Norm)", ""))
    assert "Centred extends neither" in fails(bnlab, *words)


@pytest.mark.usefixtures("small")
def test_nothing_of_the_users_is_replaced(bnlab: Call, tmp_path: Path) -> None:
    words = ("norm=none", "--out", str(tmp_path))
    (tmp_path / "zoo.csv").write_text("mine")
    assert "whose zoo.csv bnlab did not write" in fails(bnlab, *words)
    assert (tmp_path / "zoo.csv").read_text() == "mine"
    (tmp_path / "zoo.csv").unlink()
    (tmp_path / "README.md").write_text("mine")
    assert bnlab("zoo", "norm=weight", "--no-time", *words[1:])[0] == 0
    assert bnlab("zoo", "--no-time", *words)[0] == 0  # its own files are
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"README.md"}
    (tmp_path / "packs.json").write_text("{}")
    assert "which is a study" in fails(bnlab, *words)
