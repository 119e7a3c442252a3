"""What a sweep says where there is no terminal, and how it labels its jobs."""

import io

import pytest
from rich.console import Console

from bnlab.sweeps.console import QUIET, SweepConsole, labels


def test_labels_are_what_jobs_do_not_share() -> None:
    assert labels([["a=1", "b=2", "c=3"], ["a=1", "b=4", "c=3"]]) == ["b=2", "b=4"]
    assert labels([["a=1", "b=2"]]) == ["a=1 b=2"]


def test_without_a_terminal_a_long_run_gives_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bnlab.sweeps.console.monotonic", lambda: now[0])
    out = io.StringIO()
    with SweepConsole(Console(file=out, width=200), 2) as view:
        for second in range(100):
            now[0] = float(second)
            view.progress(second, 100, 0.5, None if second < 50 else 0.9)
        view.finished("norm=batch", {"status": "complete", "metrics": {"val_accuracy": 0.9}, "seconds": 99.0})
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + int(99 // (QUIET + 1))
    assert lines[0] == "  update 31/100  loss 0.5"
    assert lines[-2].endswith("val 0.900")
    assert lines[-1] == "1/2 complete norm=batch  val accuracy 0.9000  99.0 s"
