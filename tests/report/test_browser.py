"""The page in a real browser: nothing on the console, sorts, filters, fits wide and narrow windows."""

import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bnlab.report import Verdict
from bnlab.report.figures import accuracy_vs_lr
from bnlab.report.interface import Drawn
from bnlab.report.page import Section, render
from bnlab.report.reading import read
from bnlab.report.tables import lr_sensitivity

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")

HOSTILE = "<script>document.title='taken'</script>\"'><img src=x onerror=alert(1)>"


class Seen(NamedTuple):
    """The return value of the script that was added to the page, and the console output."""

    value: Any
    console: list[str]


_FRAME = """<!doctype html><body><script>
addEventListener("message", (event) => {{ document.body.dataset.seen = event.data; }});
</script><iframe src="page.html" style="width: {width}px; height: 800px; border: 0"></iframe></body>"""


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., Seen]:
    """Open a page in a frame of this width (a window cannot be as narrow as a phone) and run a script in it."""

    def call(page: str, script: str, width: int = 1200) -> Seen:
        added = f"<script>parent.postMessage(JSON.stringify((() => {{ {script} }})()), '*')</script>"
        (tmp_path / "page.html").write_text(page.replace("</body>", added + "</body>"), encoding="utf-8")
        outer = tmp_path / "frame.html"
        outer.write_text(_FRAME.format(width=width))
        options = "--headless --no-sandbox --disable-gpu --enable-logging=stderr --virtual-time-budget=5000 --dump-dom"
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [str(CHROMIUM), *options.split(), profile, outer.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        found = re.search(r'data-seen="([^"]*)"', done.stdout)
        value = json.loads(unescape(found[1])) if found else None
        return Seen(value, [line for line in done.stderr.splitlines() if "CONSOLE" in line])

    return call


COMMAND = shlex.join(["bnlab", "train", f"model={HOSTILE}"])


@pytest.fixture
def page(study: Any) -> str:
    """Three runs, one of them hostile."""
    study.run("batch", 0.1, 0, val=0.9)
    study.run("none", 0.01, 1, val=None, status="failed", cause=HOSTILE)
    study.run(HOSTILE, 10.0, 2, val=0.95, axes={"model": HOSTILE}, command=COMMAND)
    verdict = Verdict(HOSTILE, "confirmed", HOSTILE, HOSTILE, "3", HOSTILE, HOSTILE)
    return render(read([study.folder], 0.9, 0.05), [], [HOSTILE], [verdict], HOSTILE)


ROWS = """
const all = (selector) => [...document.querySelectorAll(selector)];
const rows = () => all("#run-table tbody tr").map((row) => [...row.cells].map((cell) => cell.textContent));
const head = (name) => all("#run-table th button").find((one) => one.textContent === name);
const filter = (words) => {
  const box = document.getElementById("run-filter");
  box.value = words;
  box.dispatchEvent(new Event("input"));
};
"""


def test_sorts_and_filters(browse: Callable[..., Seen], page: str) -> None:
    script = """
    const column = (at) => rows().map((row) => row[at]);
    const seen = { plain: column(3) };
    head("lr").click(); seen.rising = column(2);
    head("lr").click(); seen.falling = column(2);
    seen.sorted = head("lr").parentElement.getAttribute("aria-sort");
    head("val accuracy").click(); seen.missingLast = column(5);
    head("val accuracy").click(); seen.missingLastAgain = column(5);
    filter("STATUS=complete batch"); seen.filtered = column(1);
    filter("lr=0.1"); seen.exact = column(2);
    filter("nothing has this"); seen.none = [rows().length, document.getElementById("run-count").textContent];
    return seen;
    """
    seen = browse(page, ROWS + script)
    assert seen.console == []
    assert seen.value["plain"] == ["1", "2", "0"]  # none, the hostile run, batch
    assert seen.value["rising"] == ["0.01", "0.1", "10"]
    assert seen.value["falling"] == ["10", "0.1", "0.01"]
    assert seen.value["sorted"] == "descending"
    assert seen.value["missingLast"] == ["0.900", "0.950", ""]
    assert seen.value["missingLastAgain"] == ["0.950", "0.900", ""]
    assert seen.value["filtered"] == ["batch · mlp"]
    assert seen.value["exact"] == ["0.1"]
    assert seen.value["none"] == [0, "none of 3"]


def test_what_configs_contain_is_text(browse: Callable[..., Seen], page: str) -> None:
    script = """
    return { title: document.title, images: document.images.length, scripts: document.scripts.length,
             shown: rows().flat().filter((one) => one.includes("<script>document")).length,
             claim: document.querySelector("#verdicts td").textContent };
    """
    seen = browse(page, ROWS + script)
    assert seen.console == []
    assert seen.value["title"] == "synthetic – bnlab"
    assert (seen.value["images"], seen.value["scripts"]) == (0, 3)  # the data, the table's, this one
    assert seen.value["shown"] == 3
    assert seen.value["claim"] == HOSTILE


def test_ten_thousand_runs_are_paged(browse: Callable[..., Seen], page: str) -> None:
    found = re.search(r'<script type="application/json" id="run-data">(.*?)</script>', page)
    assert found
    data = json.loads(found[1])
    row = data["rows"][0]
    data["rows"] = [[f"run{n}", "batch", n / 1000, n, *row[4:]] for n in range(10_000)]
    script = """
    const buttons = all("#run-pages button");
    const seen = { rows: rows().length, count: document.getElementById("run-count").textContent };
    seen.ends = buttons.map((button) => button.disabled);
    buttons[1].click(); seen.second = rows()[0][3];
    head("seed").click(); head("seed").click(); seen.last = rows()[0][3];
    filter("seed=1234"); seen.one = rows().map((row) => row[3]);
    seen.counted = document.getElementById("run-count").textContent;
    return seen;
    """
    seen = browse(page.replace(found[1], json.dumps(data).replace("<", "\\u003c")), ROWS + script)
    assert seen.console == []
    assert seen.value == {
        "rows": 50, "count": "1 to 50 of 10000", "ends": [True, False], "second": "50", "last": "9999", "one": ["1234"],
        "counted": "1 to 1 of 1 (10000 in all)",
    }  # fmt: skip


@pytest.mark.parametrize("width", [1200, 400])
def test_fits_the_window(browse: Callable[..., Seen], study: Any, width: int) -> None:
    study.grid("none", {0.1: [0.9, 0.8], 1.0: ["diverged", 0.8]}, command="bnlab train " + 60 * "long ")
    frame = read([study.folder], 0.9, 0.05)
    table, drawn, png = lr_sensitivity.table(frame), accuracy_vs_lr.draw(frame), io.BytesIO()
    assert isinstance(drawn, Drawn)
    drawn.figure.savefig(png, format="png")
    sections = [
        Section("table", "A table", 1, table, ("tables/x.csv", "tables/x.md")),
        Section("figure", "A figure", 2, drawn, ("figures/x.csv",), png.getvalue()),
    ]
    verdicts = [Verdict("a claim " * 20, "undecided", "1.2 ×", "[0.1, 5.2]", "3", "bnlab study x " * 9)]
    page = render(frame, sections, ["a note " * 50], verdicts)
    script = "return [innerWidth, document.documentElement.scrollWidth, document.images[0].naturalWidth]"
    seen = browse(page, script, width)
    assert seen.console == []
    assert seen.value[0] == width
    assert seen.value[1] <= width  # wide tables and figures scroll in their own boxes
    assert seen.value[2] > 0


def test_the_console_would_be_heard(browse: Callable[..., Seen]) -> None:
    seen = browse("<body></body>", "console.error('hear me'); return 1")
    assert seen.value == 1
    assert "hear me" in seen.console[0]
