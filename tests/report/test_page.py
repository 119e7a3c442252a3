"""What the page tells beside its tables and figures."""

import re
from pathlib import Path
from typing import Any

from bnlab.report.frame import read
from bnlab.report.page import Section, render


def words(study: Any, *sections: Section, notes: tuple[str, ...] = ()) -> str:
    text = render(read([Path(study.folder)], 0.9, 0.05), list(sections), list(notes))
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL))


def test_summary_troubles_and_provenance(study: Any) -> None:
    study.run("none", lr=0.1)
    study.run("batch", lr=10.0, status="diverged", diverged_at=12, cause="loss is nan", git=None)
    study.run("batch", lr=10.0, seed=1, status="diverged", cause="loss is nan")
    study.run("batch", lr=1.0, status="refused", cause="one value a channel", command="bnlab train seed=5")
    text = words(study, notes=("left out: x",))
    assert "4 runs: 1 complete , 2 diverged , 1 refused ." in text
    assert "optim.lr 0.1, 1, 10" in text
    assert "diverged batch 2 10 (2) at step 12 refused batch 1 1 (1) one value a channel" in text
    assert "diverged at step 12" in text
    assert "git commit abc1234 (3 runs), unknown (1 runs)" in text
    assert "command each run&#39;s own: see the table of runs" in text
    assert "bnlab train seed=5" in text
    assert "left out: x" in text


def test_nothing_went_wrong(study: Any) -> None:
    study.run()
    text = words(study, Section("x", "A part", missing="no data"))
    assert "All of them are complete." in text
    assert "A part Not shown: no data." in text


def test_everything_is_escaped(study: Any) -> None:
    study.run(norm="<script>alert(1)</script>", cause="<img src=x>", status="failed")
    text = render(read([Path(study.folder)], 0.9, 0.05), [Section("x", "<b>", missing="<i>")], ["<u>"])
    assert not re.search(r"<script|<img|<b>|<i>|<u>", text)
