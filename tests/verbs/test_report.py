"""`bnlab report` on synthetic runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.writer import RunWriter

AXES = {"model": "mlp", "data": "digits", "optim": "sgd", "optim.lr": 0.1, "seed": 0}


def run(study: Path, norm: str, status: str = "complete") -> None:
    writer = RunWriter(study / f"{study.name}-{norm}")
    info = {"run_id": f"{study.name}-{norm}", "axes": AXES | {"norm": norm, "study_axis": study.name}, "classes": 10}
    writer.create("seed: 0\n", info)
    writer.update(status=status, seconds=1.0, metrics={"val_accuracy": 0.9} if status == "complete" else {})
    writer.close()


def test_a_running_sweep_says_what_is_missing(
    bnlab: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(Path("outputs/a"), "none")
    run(Path("outputs/a"), "batch", "running")
    run(Path("outputs/a"), "layer", "failed")
    called = bnlab("report", "outputs/a")
    assert called.status == 0, called.err
    assert "| none |" in called.out
    assert "note: incomplete: 1 running or interrupted, 1 failed; results may change" in called.out
    assert called.out.splitlines()[-1] == "outputs/a/report/index.html"
    assert "bnlab report outputs/a" in Path("outputs/a/report/index.html").read_text(encoding="utf-8")


def test_two_studies_with_pdf_and_a_place(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    run(tmp_path / "a", "none")
    run(tmp_path / "b", "none")
    called = bnlab("report", str(tmp_path / "a"), str(tmp_path / "b"), "--pdf", "--out", str(tmp_path / "both"))
    assert called.status == 0, called.err
    assert (tmp_path / "both" / "figures" / "accuracy_vs_lr.pdf").exists()
    assert not (tmp_path / "a" / "report").exists()


def test_verdicts_of_the_study_stay_on_its_page(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    run(tmp_path / "a", "none")
    effect = {"value": 3.0, "low": 1.0, "high": "inf", "n": 5}
    verdict = {
        "claim": "Batch norm stands more", "case": "", "verdict": "undecided", "effect": effect, "runs": [],
        "threshold": "at least 10", "reason": "", "published": "",
    }  # fmt: skip
    record = {
        "study": "a", "scale": "cpu", "command": "bnlab study a", "date": "2026-11-20", "device": "cpu", "torch": "2",
        "git": "x", "n_runs": 1, "verdicts": [verdict],
    }  # fmt: skip
    path = tmp_path / "a" / "report" / "verdicts.json"
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    called = bnlab("report", str(tmp_path / "a"))
    assert called.status == 0, called.err
    assert "too small" not in called.out
    assert ">Batch norm stands more" in (tmp_path / "a" / "report" / "index.html").read_text(encoding="utf-8")
    run(tmp_path / "b", "batch")
    other = tmp_path / "b" / "report" / "verdicts.json"
    other.parent.mkdir()
    other.write_text(json.dumps(record | {"study": "b", "scale": "smoke"}))
    called = bnlab("report", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "both"))
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    assert ">a: Batch norm stands more" in page
    assert ">b: Batch norm stands more" in page
    assert "too small for its verdicts to mean anything" in called.out
    assert "too small for its verdicts to mean anything" in page
    path.write_text("{torn")
    called = bnlab("report", str(tmp_path / "a"))
    assert called.status == 0
    line = f"no verdicts: {path} cannot be read (Expecting property name enclosed in double quotes"
    assert f"note: {line}" in called.out
    assert "remove it, or judge the claims again with bnlab study" in called.out
    page = (tmp_path / "a" / "report" / "index.html").read_text(encoding="utf-8")
    assert line in page
    assert "Batch norm stands more" not in page


def test_verdicts_of_runs_that_are_gone_are_counted(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    run(tmp_path / "a", "none")
    verdict = {"case": "", "verdict": "undecided", "effect": None, "threshold": "", "reason": "r", "published": ""}
    every = [
        verdict | {"claim": f"claim {number}", "runs": runs}
        for number, runs in enumerate((["a-none"], ["a-none", "gone"], [], ["gone"]))
    ]
    record = dict.fromkeys(("scale", "date", "device", "torch", "git"), "x")
    record |= {"study": "a", "command": "bnlab study a scale=cpu", "n_runs": 4, "verdicts": every}
    path = tmp_path / "a" / "report" / "verdicts.json"
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    called = bnlab("report", str(tmp_path / "a"))
    assert called.status == 0
    line = "2 verdicts are left out, because runs behind them are missing; judge again: bnlab study a scale=cpu"
    assert f"note: {line}\n" in called.out
    page = (tmp_path / "a" / "report" / "index.html").read_text(encoding="utf-8")
    assert line in page
    assert [f"claim {number}" in page for number in range(4)] == [True, False, True, False]


def test_one_study_by_two_paths_is_one(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    run(tmp_path / "a", "none")
    (tmp_path / "link").symlink_to("a")
    called = bnlab("report", *(str(tmp_path / name) for name in ("a", "a/", "a/../a", "link")))
    assert called.status == 0, called.err
    assert called.out.splitlines()[-1] == str(tmp_path / "a" / "report" / "index.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "link"]


def test_a_report_of_others_is_not_replaced(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(tmp_path / name, "none")
    out = tmp_path / "out"
    assert bnlab("report", str(tmp_path / "a"), "--out", str(out)).status == 0
    before = (out / "index.html").read_bytes()
    called = bnlab("report", str(tmp_path / "b"), "--out", str(out))
    assert called.status == 2
    line = f"bnlab: {out} contains the report of {tmp_path / 'a'}: choose another folder (--out DIR), or remove it\n"
    assert called.err == line
    assert (out / "index.html").read_bytes() == before
    assert bnlab("report", str(tmp_path / "a"), "--out", str(out)).status == 0


def test_many_notes_are_cut_short_in_the_terminal(bnlab: Callable[..., Any], tmp_path: Path) -> None:
    run(tmp_path / "a", "none")
    for number in range(40):
        (tmp_path / "a" / f"{number}").mkdir()
        (tmp_path / "a" / f"{number}" / "run.json").write_text("{}")
    called = bnlab("report", str(tmp_path / "a"))
    assert called.out.count("note: ") == 21
    assert "more, all of them on the page" in called.out
    assert (tmp_path / "a" / "report" / "index.html").read_text(encoding="utf-8").count("it has no run_id") == 40
