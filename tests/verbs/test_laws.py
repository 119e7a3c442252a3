"""`bnlab laws`: the list, measuring, where files go, and mistakes."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.laws.table import TITLE
from bnlab.registry import entries

Call = Callable[..., Any]
SMALL = ("gradient_growth", "widths=[8]", "depth=3", "batch=8", "seeds=2")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "checks.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_without_words_each_law_has_a_line(bnlab: Call) -> None:
    called = bnlab("laws")
    assert (called.status, called.err) == (0, "")
    lines = called.out.splitlines()
    assert [line.split()[0] for line in lines] == list(entries("law"))
    for line, law in zip(lines, entries("law").values(), strict=True):
        assert law.facts["statement"] in line
        assert law.facts["source"] in line


def test_help_has_every_option_with_its_default(bnlab: Call) -> None:
    out = bnlab("laws", "--help").out
    assert "gradient_growth  widths=[512,1024] depth=12 batch=256 seeds=3" in out
    for law in entries("law").values():
        assert all(f" {option}=" in out for option in law.options)


def test_measures_with_the_given_options_and_writes_only_its_own_files(bnlab: Call) -> None:
    called = bnlab("laws", *SMALL)
    assert (called.status, called.err) == (0, "")
    assert "MLP of 3 ReLU layers, width 8, batch 8, norm=batch" in called.out
    assert called.out.splitlines()[-3:] == [
        f"outputs/laws/{name}" for name in ("checks.md", "checks.csv", "gradient_growth.png")
    ]
    folder = Path("outputs/laws")
    assert names(folder) == {"checks.csv", "checks.md", "gradient_growth.png"}
    rows = read(folder)
    assert [(row["law"], row["seeds"]) for row in rows] == [("gradient_growth", "2")] * 2
    assert "`bnlab laws gradient_growth 'widths=[8]' depth=3" in (folder / "checks.md").read_text(encoding="utf-8")


def test_an_option_goes_to_the_laws_that_have_it_and_a_finding_is_no_failure(bnlab: Call) -> None:
    words = ("scale", "gradient_growth", "norms=[none,group]", "scales=[2.0]", "widths=[4]", "depth=2", "batch=4")
    called = bnlab("laws", *words, "seeds=1", "--out", "here")
    assert called.status == 0, called.err
    rows = read(Path("here"))
    assert [row["law"] for row in rows] == ["gradient_growth"] * 2 + ["scale"] * 2
    found = {row["setting"].rpartition("norm=")[2]: row["verdict"] for row in rows if row["law"] == "scale"}
    assert found == {"none": "does not hold", "group": "holds"}
    assert "do not hold" in called.out


def test_a_second_measurement_replaces_the_first_and_nothing_else(bnlab: Call) -> None:
    folder = Path("mine")
    folder.mkdir()
    (folder / "README.md").write_text("# My notes\n", encoding="utf-8")
    assert bnlab("laws", *SMALL, "--out", "mine").status == 0
    assert bnlab("laws", "dropout", "keeps=[0.5]", "width=8", "batch=8", "seeds=1", "--out", "mine").status == 0
    assert names(folder) == {"README.md", "checks.csv", "checks.md", "dropout.png"}
    assert (folder / "README.md").read_text(encoding="utf-8") == "# My notes\n"


def test_the_folder_of_the_experiment_may_be_written_again() -> None:
    kept = Path(__file__).parents[2] / "experiments" / "initialization" / "checks.md"
    assert kept.read_text(encoding="utf-8").startswith(f"{TITLE}\n\nWritten by `bnlab laws all ")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("checks.csv", "whose checks.csv bnlab did not write"),
        ("soft_rank.png", "whose soft_rank.png bnlab did not write"),
        ("run.json", "a run"),
        ("packs.json", "a study"),
        ("report.json", "a report"),
    ],
)
def test_a_folder_with_something_else_is_refused_before_measuring(bnlab: Call, name: str, says: str) -> None:
    Path("full").mkdir()
    (Path("full") / name).write_text("{}", encoding="utf-8")
    called = bnlab("laws", *SMALL, "--out", "full")
    assert called.status == 2
    assert called.err.count("\n") == 1
    assert says in called.err
    assert "--out DIR" in called.err
    assert called.out == ""
    assert names(Path("full")) == {name}


MISTAKES = {
    "law": ("gradient_grow", "gradient_grow is not a law", "gradient_growth?"),
    "no law": ("depth=3", "name a law", "all"),
    "option": ("gradient_growth dept=3", "dept is not an option of gradient_growth", "depth?"),
    "option of another law": ("gradient_growth blocks=3", "blocks is not an option of gradient_growth", "residual"),
    "zero": ("gradient_growth depth=0", "depth=0", "at least 2"),
    "negative": ("all seeds=-1", "seeds=-1", "at least 1"),
    "too large": ("all widths=[100000]", "widths=[100000]", "at most 65536"),
    "text": ("all depth=deep", "depth=deep", "a whole number"),
    "fraction": ("all depth=1.5", "depth=1.5", "a whole number"),
    "share": ("dropout keeps=[0.5,1.5]", "keeps=[0.5,1.5]", "at most 1"),
    "not finite": ("through_time gammas=[inf]", "gammas=[inf]", "finite"),
    "one for several": ("gradient_growth widths=3", "widths=3", "widths=[3]"),
    "several for one": ("gradient_growth depth=[3,4]", "depth=[3,4]", "one value"),
    "sweep": ("gradient_growth depth=3,4", "depth=3,4", "several values"),
    "empty list": ("gradient_growth widths=[]", "widths=[]", "at least one value"),
    "twice": ("all depth=3 depth=4", "depth is given twice", "leave one out"),
    "norm": ("scale norms=[btach]", "btach is not a norm", "batch?"),
    "net": ("through_time nets=[gru]", "nets=[gru]", "lstm"),
    "flag": ("all --oout x", "--oout", "usage: bnlab laws"),
    "flag without value": ("all --out", "--out", "expected one argument"),
    "empty folder": ("all --out=", "--out is empty", "name a path"),
    "unreadable": ("all depth=[", "depth=[", "a whole number"),
    "look-alike": ("all depth=\u22123", "U+2212 MINUS SIGN", "depth=-3"),
}


@pytest.mark.parametrize(("words", "culprit", "right"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_before_measuring(bnlab: Call, words: str, culprit: str, right: str) -> None:
    called = bnlab("laws", *words.split())
    assert (called.status, called.out) == (2, "")
    assert called.err.count("\n") == 1
    assert culprit in called.err
    assert right in called.err
    assert not Path("outputs").exists()
