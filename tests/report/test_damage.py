"""Damaged files of one run do not affect the report of the others, and the page names them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bnlab.report import build
from bnlab.report.frame import Frame
from bnlab.report.interface import Missing
from bnlab.report.page import render
from bnlab.report.reading import read
from bnlab.report.recorded_options import recorded_options
from bnlab.report.summary import left_out

STUDY = "study"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study of three runs with every file; the last one gets damaged."""
    from tests.report.conftest import Study, observed

    study = Study(tmp_path_factory.mktemp("outputs") / STUDY)
    for norm in ("none", "batch", "layer"):
        observed(study, norm, seed=study.count)
    return study.folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the study to damage."""
    return Path(shutil.copytree(original, tmp_path / STUDY))


def tables(frame: Frame) -> dict[str, pd.DataFrame]:
    """Return the rows of the first two runs in all tables."""
    found = {name: frame.table(name) for name in ("steps", "evals", "sites", "layers", "histograms")} | {
        "runs": frame.runs
    }
    sound = ["run0001", "run0002"]
    return {
        name: table[table["run_id"].isin(sound)].drop(columns="condition", errors="ignore").reset_index(drop=True)
        for name, table in found.items()
    }


def replaced(old: str, new: str) -> Callable[[Path], None]:
    """Change the text of a file."""

    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def instead(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    """Replace a file by something else."""

    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


# The file of the last run that is changed, the change, and a word of the reason.
DAMAGE: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "run.json, torn": ("run.json", lambda path: os.truncate(path, 40), "cannot be read"),
    "run.json, empty": ("run.json", lambda path: os.truncate(path, 0), "cannot be read"),
    "run.json, no UTF-8": ("run.json", lambda path: path.write_bytes(b"\xff\x00"), "no UTF-8"),
    "run.json, nested": ("run.json", lambda path: path.write_text("[" * 10_000), "nested too deeply"),
    "run.json, a list": ("run.json", lambda path: path.write_text("[]"), "no JSON object"),
    "run.json, a FIFO": ("run.json", instead(os.mkfifo), "it is a FIFO"),
    "run.json, a device": ("run.json", instead(lambda path: path.symlink_to("/dev/zero")), "it is a device"),
    "run.json, a folder": ("run.json", instead(Path.mkdir), "it is a folder"),
    "run.json, a dangling link": ("run.json", instead(lambda path: path.symlink_to("x")), "does not exist"),
    "run.json, 1e999": ("run.json", replaced('"optim.lr": 0.1', '"optim.lr": 1e999'), "not finite"),
    "run.json, a rate of 0": ("run.json", replaced('"optim.lr": 0.1', '"optim.lr": 0'), "optim.lr"),
    "run.json, a seed of 40 digits": ("run.json", replaced('"seed": 2', f'"seed": {10**40}'), ""),
    "run.json, versions": ("run.json", replaced('{\n    "bnlab": "0.1.0"\n  }', "[1]"), "versions"),
    "run.json, command": ("run.json", replaced('"bnlab sweep experiment=demo"', "7"), "command"),
    "run.json, a quote": ("run.json", replaced("experiment=demo", "experiment='demo"), "command"),
    "run.json, a metric in words": ("run.json", replaced('"val_accuracy": 0.9', '"val_accuracy": "x"'), "val_acc"),
    "run.json, percent": ("run.json", replaced('"val_accuracy": 0.9', '"val_accuracy": 90'), "not between 0 and 1"),
    "run.json, seconds": ("run.json", replaced('"seconds": 1.5', '"seconds": "long"'), "seconds"),
    "run.json, classes": ("run.json", replaced('"classes": 10', '"classes": [10]'), "classes"),
    "steps.csv, half a step": ("steps.csv", replaced("\n2,", "\n0.5,"), "step"),
    "steps.csv, words": ("steps.csv", replaced("64,", "many,"), "damaged"),
    "steps.csv, a column more": ("steps.csv", replaced("\n", ",x\n"), "damaged"),
    "steps.csv, binary": ("steps.csv", lambda path: path.write_bytes(bytes(range(256))), "damaged"),
    "steps.csv, a FIFO": ("steps.csv", instead(os.mkfifo), "it is a FIFO"),
    "steps.csv, a device": ("steps.csv", instead(lambda path: path.symlink_to("/dev/zero")), "it is a device"),
    "steps.csv, twice": ("steps.csv", lambda path: path.write_text(path.read_text() * 2), "damaged"),
    "steps.csv, a quote": ("steps.csv", replaced("64,", '"64,'), "damaged"),
    "evals.csv, an accuracy of 2": ("evals.csv", replaced("0.95", "2"), "accuracy"),
    "evals.csv, an epoch of inf": ("evals.csv", replaced("\n10,1,", "\n10,inf,"), "infinite"),
    "evals.csv, the same twice": ("evals.csv", replaced("\n20,", "\n10,"), "is repeated"),
    "sites.csv, a site twice": (
        "sites.csv", lambda path: path.write_text(path.read_text() + path.read_text().split("\n")[1] + "\n"), "repeat",
    ),
    "sites.csv, no depth": ("sites.csv", replaced(",0,before", ",,before"), "no depth"),
    "layers.csv, a percentile in words": ("layers.csv", replaced(",50,", ",half,"), "non-numeric index"),
    "layers.csv, a row torn in the middle": ("layers.csv", replaced("\n2,units", "\n2\n,units"), "damaged"),
    "histograms.csv, bins overlap": ("histograms.csv", replaced(",0,1,", ",0,9,"), "overlap"),
    "histograms.csv, a negative count": ("histograms.csv", replaced(",0,1,1\n", ",0,1,-1\n"), "count"),
    "histograms.csv, a folder": ("histograms.csv", instead(Path.mkdir), "it is a folder"),
    "config.yaml, binary": ("config.yaml", lambda path: path.write_bytes(b"\xff\x00"), "no UTF-8"),
    "config.yaml, a FIFO": ("config.yaml", instead(os.mkfifo), "it is a FIFO"),
    "config.yaml, odd moments": ("config.yaml", replaced("when: null", "when: {a: b}"), "when"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_damage_costs_the_file_and_is_named(
    name: str, change: Callable[[Path], Any], reason: str, original: Path, copy: Path
) -> None:
    path = copy / "run0003" / name
    change(path)
    frame = read([copy], 0.9, 0.05)
    whole = read([original], 0.9, 0.05)
    for table, rows in tables(whole).items():
        pd.testing.assert_frame_equal(tables(frame)[table], rows)
    frame.damaged.update(recorded_options(frame.source.folders.values()).damaged)
    (line,) = left_out(frame)
    assert line.startswith(f"left out: {path} ")
    assert reason in line
    assert "\n" not in line
    assert len(frame.runs) == (2 if name == "run.json" else 3)  # without a table, the run is kept


def test_one_page_with_everything_damaged(copy: Path, bnlab: Callable[..., Any]) -> None:
    changed = {"run.json, torn": copy / "run0003" / "run.json"}
    (copy / "run0003" / "run.json").write_text("{torn")
    odd = {
        copy / "run0002" / "steps.csv": b"nothing\n",
        copy / "run0002" / "layers.csv": b"nothing\n",
        copy / "run0002" / "config.yaml": b"\xff",
        copy / "run0002" / "arrays" / "feature_maps_4.npz": b"no archive",
        copy / "report" / "verdicts.json": b"{torn",
    }
    (copy / "report").mkdir()
    for path, content in odd.items():
        path.write_bytes(content)
    called = bnlab("report", str(copy))
    assert (called.status, called.err) == (0, "")
    page = (copy / "report" / "index.html").read_text(encoding="utf-8")
    for path in (*odd, *changed.values()):
        assert str(path) in page
        assert str(path) in called.out
    runs = pd.read_csv(copy / "report" / "runs.csv")
    assert runs["run"].tolist() == [f"{STUDY}/run0001", f"{STUDY}/run0002"]
    assert runs["val_accuracy"].tolist() == [0.9, 0.9]


def test_a_study_of_damaged_runs_alone_is_one_line(copy: Path, bnlab: Callable[..., Any]) -> None:
    for path in copy.glob("*/run.json"):
        path.write_text("{torn")
    called = bnlab("report", str(copy))
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "no run can be read" in called.err
    assert not (copy / "report").exists()


def test_names_that_act_nowhere(copy: Path, bnlab: Callable[..., Any]) -> None:
    odd = "=HYPERLINK(1)|<img src=x onerror=y>`\u202e\u2028]](x"
    text = (copy / "run0003" / "run.json").read_text()
    written = text.replace('"norm": "layer"', f'"norm": {odd!r}'.replace("'", '"'))
    assert written != text
    (copy / "run0003" / "run.json").write_text(written, encoding="utf-8")
    built = build([copy])
    for path in sorted((copy / "report").rglob("*.md")):
        assert "<" not in path.read_text(encoding="utf-8")
    for path in sorted((copy / "report").rglob("*.csv")):
        assert not pd.read_csv(path, dtype=str).map(lambda cell: str(cell).startswith("=")).any(axis=None)
    page = built.page.read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "\u202e" not in page + built.table_text
    assert "\u2028" not in page


@pytest.mark.parametrize("work", [Path.unlink, lambda path: os.truncate(path, 0)], ids=["gone", "empty"])
@pytest.mark.parametrize("table", ["steps", "evals", "sites", "layers", "histograms"])
def test_a_table_that_no_run_has_costs_no_other_part(
    copy: Path, draw_all: Any, table: str, work: Callable[[Path], Any]
) -> None:
    for path in copy.glob(f"*/{table}.csv"):
        work(path)
    frame = read([copy], 0.9, 0.05)
    parts = draw_all(frame, ())
    assert any(isinstance(part, Missing) for part in parts.values())
    assert sum(not isinstance(part, Missing) for part in parts.values()) > 3
    assert "</html>" in render(frame, [], [])
    assert frame.damaged == {}  # an interrupted run may have written nothing


def test_tables_that_no_run_has_cost_no_page(copy: Path, bnlab: Callable[..., Any]) -> None:
    for table in ("steps", "evals", "sites", "layers", "histograms"):
        for path in copy.glob(f"*/{table}.csv"):
            path.unlink()
    status, out, err = bnlab("report", str(copy))
    assert (status, err) == (0, ""), out
    assert (copy / "report/index.html").is_file()
