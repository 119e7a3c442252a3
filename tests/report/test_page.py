"""The contents of the page besides its tables and figures."""

import re
from pathlib import Path
from typing import Any

from bnlab.report import Verdict, build
from bnlab.report.interface import Missing
from bnlab.report.page import Section, render
from bnlab.report.reading import read
from bnlab.report.recorded_options import recorded_options


def words(study: Any, *sections: Section, notes: tuple[str, ...] = (), verdicts: tuple[Verdict, ...] = ()) -> str:
    """Return the page's text without the data of its script."""
    frame = read([Path(study.folder)], 0.9, 0.05)
    settings = recorded_options(frame.source.folders.values()).settings
    text = render(frame, list(sections), list(notes), verdicts, settings=settings)
    bare = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", bare)


def test_summary_troubles_and_provenance(study: Any) -> None:
    study.run("none", lr=0.1)
    study.run("batch", lr=10.0, status="diverged", diverged_at=12, cause="loss is nan", git=None)
    study.run("batch", lr=10.0, seed=1, status="diverged", cause="loss is nan")
    study.run("batch", lr=1.0, status="refused", cause="one value a channel", command="bnlab train seed=5")
    text = words(study, notes=("left out: x",))
    assert "4 runs: 1 complete , 2 diverged , 1 refused ." in text
    assert "optim.lr 0.1, 1, 10" in text
    assert "diverged batch 2 10 (2) at step 12 refused batch 1 1 (1) one value a channel" in text
    assert "git commit abc1234 (3 runs), unknown (1 run)" in text
    assert "command differs by run: see the table of runs" in text
    assert "left out: x" in text


def test_an_axis_may_be_null_in_some_runs_and_a_number_or_a_word_in_others(study: Any) -> None:
    for seed, value in enumerate((5, None, "inf", 2.5, True, [1, 2])):
        study.run("none", seed=seed, axes={"clip": value})
    assert "clip true, 2.5, 5, inf, [1, 2], null" in words(study)
    assert build([study.folder]).page.exists()


def test_nothing_went_wrong(study: Any) -> None:
    study.run()
    text = words(study, Section("x", "A part", 1, Missing("no data")))
    assert "All runs are complete." in text
    assert "Not shown A part: no data." in text
    assert "Verdicts" not in text


def test_verdicts_come_before_everything_else(study: Any) -> None:
    study.run()
    one = Verdict("batch stands 10 times the rate", "refuted", "3 ×", "[1, 5]", "5", "bnlab study x", "10 to 100 ×")
    text = words(study, verdicts=(one, one._replace(published="")), notes=("a note",))
    head = "claim verdict effect interval n published command"
    assert f"{head} batch stands 10 times the rate refuted 3 × [1, 5] 5 10 to 100 × bnlab study x" in text
    behind = words(study, verdicts=(one._replace(runs=("run1", "<run2>")),))
    assert "bnlab study x 2 runs run1 &lt;run2&gt;" in behind
    assert text.index("Verdicts") < text.index("a note") < text.index("What was run")
    assert "published" not in words(study, verdicts=(one._replace(published=""),))


def test_everything_is_escaped(study: Any) -> None:
    bad = "<script>alert(1)</script>"
    study.run(norm=bad, cause="<img src=x>", status="failed", axes={"model": '"><img src=x>'}, command=bad)
    verdict = Verdict(*[f'{bad}" onload="'] * 7)
    sections = [Section("x", "<b>", 1, Missing("<i>"))]
    text = render(read([Path(study.folder)], 0.9, 0.05), sections, ["<u>"], [verdict], bad)
    assert not re.search(r"<img|<b>|<i>|<u>", text)
    assert text.count("<script") == 2  # the data, and the code that shows them
    assert "alert(1)</script>" not in text


def test_what_was_not_taken_needs_runs_again(study: Any) -> None:
    study.run()
    assert "rerun=true" not in words(study, Section("x", "A part", 1, Missing("no data")))
    assert "only with rerun=true" in words(study, Section("x", "A part", 1, Missing("no data", again=True)))


def test_all_other_settings_name_the_diagnostics(study: Any) -> None:
    writer = study.run()
    (writer.folder / "config.yaml").write_text("diagnostics:\n  site_drift:\n    when: [init, last]\nwhen: null\n")
    text = words(study)
    assert "diagnostics init, last: site_drift when each diagnostic&#39;s own" in text
