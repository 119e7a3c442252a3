"""`bnlab list diagnostics`: what each measures, its unit, cost and source."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab import registry
from bnlab.verbs.list import detailed

Call = Callable[..., tuple[int, str, str]]
SETS = {"off", "light", "standard", "full"}


def entries(out: str) -> dict[str, list[str]]:
    """Return the lines of each choice by name; continuation lines are joined."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        if not line.startswith(" "):
            name, text = line.split(None, 1)
            found[name] = [text]
        elif line.split()[0] in ("unit:", "cost:", "source:"):
            found[name].append(" ".join(line.split()))
        else:
            found[name][-1] += " " + line.strip()
    return found


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_every_diagnostic_says_all_of_it(bnlab: Call, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    status, out, err = bnlab("list", "diagnostics")
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    found, known = entries(out), registry.entries("diagnostics")
    assert found.keys() == known.keys() | SETS
    for name, entry in known.items():
        measures, *others = found[name]
        assert measures.lower() == entry.facts["measures"].lower()
        assert others == [f"{fact}: {entry.facts[fact]}" for fact in ("unit", "cost", "source")]


def test_the_sets_come_first_with_their_line(bnlab: Call) -> None:
    lines = json.loads(bnlab("list", "diagnostics", "--json")[1])["diagnostics"]
    found = entries(bnlab("list", "diagnostics")[1])
    assert set(list(found)[: len(SETS)]) == SETS
    assert all(found[name] == [lines[name]] for name in SETS)


def test_a_set_of_the_user_is_listed_with_its_line(bnlab: Call, tmp_path: Path) -> None:
    (tmp_path / "diagnostics").mkdir()
    (tmp_path / "diagnostics" / "mine.yaml").write_text("# What I look at\ndefaults: [light]\n", encoding="utf-8")
    _, out, _ = bnlab("list", "diagnostics", "--config-dir", str(tmp_path))
    assert entries(out)["mine"] == ["What I look at"]


def test_json_holds_a_line_each(bnlab: Call) -> None:
    everything = json.loads(bnlab("list", "--json")[1])
    assert everything["diagnostics"].keys() == registry.entries("diagnostics").keys() | SETS
    assert all(isinstance(line, str) for lines in everything.values() for line in lines.values())


def test_other_groups_have_one_line_each_whatever_the_width(bnlab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert len(bnlab("list", "norm")[1].splitlines()) == len(json.loads(bnlab("list", "norm", "--json")[1])["norm"])


def test_a_narrow_terminal_still_gets_words() -> None:
    lines = list(detailed({"weight_grad_norm": "a line of the yaml"}, 10))
    assert lines[0] == "weight_grad_norm  L2 norm of each weight's"
    assert lines[1].split() == ["gradient"]


def test_a_file_that_cannot_be_read_is_listed_with_its_reason(bnlab: Call, tmp_path: Path) -> None:
    (tmp_path / "norm").mkdir()
    (tmp_path / "norm" / "mine.yaml").write_bytes(b"\xff\x00")
    status, out, err = bnlab("list", "norm", f"--config-dir={tmp_path}")
    assert (status, err) == (0, "")
    (line,) = (line for line in out.splitlines() if line.startswith("mine "))
    assert "mine.yaml cannot be read as yaml: byte 0 is not UTF-8 text" in line
    assert out.startswith("batch ")
