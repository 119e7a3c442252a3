"""A whole report, from folders to the page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bnlab.errors import BadInput
from bnlab.report import build

DRAWN = {  # of the demo; those of diagnostics that it lacks are reported as missing
    "accuracy_vs_lr", "activation_histograms", "grad_by_depth", "grad_norm", "heat_map", "loss_curves",
    "paired_differences", "time_to_accuracy",
}  # fmt: skip
TABLES = {"cost", "final_accuracy", "lr_sensitivity", "time_to_target", "train_test_gap"}


class Page(HTMLParser):
    """Parser that keeps the open tags, and every link or source."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)
        self.targets.extend(value or "" for name, value in attrs if name in ("src", "href"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def demo_report(tmp_path_factory: pytest.TempPathFactory, make_demo: Callable[..., Path]) -> Path:
    folder = make_demo(tmp_path_factory.mktemp("outputs") / "demo", norms=("none", "batch"), seeds=2, steps=40)
    built = build([folder])
    assert len(built.notes) == 1
    assert re.match(r"\d+ tables and figures not shown \(reasons on the page\): Accuracy, axes .* …$", built.notes[0])
    assert built.page == folder / "report" / "index.html"
    assert built.table_text == (folder / "report" / "tables" / "lr_sensitivity.md").read_text()
    return folder / "report"


def test_names_are_no_formulas(study: Any) -> None:
    for norm in ("p$_$q", "a$^$b", "none"):
        for variant in ("$_$", "x"):
            cells = {0.1: [0.5, 0.6], 1.0: [0.7, 0.8]}
            study.grid(norm, cells, axes={"model": variant}, losses=[1.0, 0.5], curve=[0.9])
    build([study.folder])
    figures = {path.stem: path.read_text() for path in (study.folder / "report" / "figures").glob("*.svg")}
    assert {"accuracy_vs_lr", "heat_map", "paired_differences", "loss_curves"} <= figures.keys()
    assert any("p$_$q" in text for text in figures.values())


def test_every_part_is_written(demo_report: Path) -> None:
    assert {path.stem for path in (demo_report / "figures").iterdir()} >= DRAWN
    for name in DRAWN:
        assert (demo_report / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        ET.parse(demo_report / "figures" / f"{name}.svg")
        assert len(pd.read_csv(demo_report / "figures" / f"{name}.csv"))
    for name in TABLES:
        assert (demo_report / "tables" / f"{name}.md").read_text().startswith("## ")
        assert r"\toprule" in (demo_report / "tables" / f"{name}.tex").read_text()
    table = pd.read_csv(demo_report / "tables" / "lr_sensitivity.csv", keep_default_na=False)
    assert table["norm"].tolist() == ["none", "batch"]
    assert len(pd.read_csv(demo_report / "runs.csv")) == 2 * 7 * 2


def test_the_page_needs_nothing_else(demo_report: Path) -> None:
    text = (demo_report / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    embedded = [one for one in page.targets if one.startswith("data:image/png;base64,")]
    assert len(embedded) == len(list((demo_report / "figures").glob("*.png")))
    assert all((demo_report / one).exists() for one in page.targets if one not in embedded)
    assert not re.search(r"https?://", text)


def test_the_same_runs_give_the_same_files(demo_report: Path) -> None:
    before = {path: path.read_bytes() for path in sorted(demo_report.rglob("*")) if path.is_file()}
    build([demo_report.parent])
    assert {path: path.read_bytes() for path in sorted(demo_report.rglob("*")) if path.is_file()} == before


def test_what_is_missing_is_said_and_stale_files_go(study: Any) -> None:
    study.run("batch", val=None, classes=None, losses=[1.0, 0.5])
    study.run("batch", seed=1, status="failed", val=None, cause="out of memory <b>&</b>")
    (study.folder / "half").mkdir()
    (study.folder / "half" / "config.yaml").write_text("")
    stale = study.folder / "report" / "tables" / "lr_sensitivity.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("from an earlier report")
    (study.folder / "report" / "index.html").write_text("<title>study – bnlab</title>")
    built = build([study.folder])
    assert not stale.exists()
    text = built.page.read_text(encoding="utf-8")
    assert "Learning-rate sensitivity: learning-rate sensitivity needs the val accuracy" in text
    assert "no complete run has recorded activation histograms" in text
    assert "out of memory &lt;b&gt;&amp;&lt;/b&gt;" in text  # a cause is text, not markup
    assert "half/run.json is missing" in text
    assert '<section id="loss_curves">\n<h2>Training loss</h2>\n<figure>' in text
    assert "2 runs:" in re.sub(r"\s+", " ", text)
    assert built.table_text.startswith("## Cost")
    assert "incomplete: 1 failed; results may change" in built.notes


def test_pdf_on_request_and_stale_ones_go(study: Any) -> None:
    study.grid("batch", {0.1: [0.9]})
    pdf = study.folder / "report" / "figures" / "accuracy_vs_lr.pdf"
    build([study.folder], pdf=True)
    assert pdf.read_bytes().startswith(b"%PDF")
    build([study.folder])
    assert not pdf.exists()


def test_a_comparison_leaves_the_studies_own_reports(study: Any) -> None:
    study.run("none")
    other = type(study)(study.folder.parent / "other")
    other.count = 100
    other.run("batch")
    own = build([study.folder]).page
    before = own.read_bytes()
    both = build([study.folder, other.folder])
    assert both.page == study.folder.parent / "report_synthetic_other" / "index.html"
    assert both.table_text.count("\n| ") == 3  # the heads, none and batch
    assert own.read_bytes() == before
    assert not (other.folder / "report").exists()


def test_out_says_where(study: Any, tmp_path: Path) -> None:
    writer = study.run("none")
    assert build([study.folder], out=tmp_path / "deep" / "down").page == tmp_path / "deep" / "down" / "index.html"
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(BadInput, match="taken, which is a file"):
        build([study.folder], out=tmp_path / "taken")
    with pytest.raises(BadInput, match="which is a run"):
        build([study.folder], out=writer.folder)


def test_a_study_without_runs_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no run"):
        build([tmp_path])
