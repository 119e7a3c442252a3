"""What a sweep says while it runs, with a terminal and without, and how it labels its jobs."""

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from bnlab.sweeps.display.console import QUIET, SweepConsole, labels, outcome

ENDED = {"status": "complete", "metrics": {"val_accuracy": 0.9, "test_accuracy": 0.8}, "seconds": 99.0}
FAILED = {"status": "failed", "cause": "RuntimeError: " + "a long story " * 20, "metrics": {}, "seconds": None}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets what the console takes for the time."""
    now = [0.0]
    monkeypatch.setattr("bnlab.sweeps.display.console.monotonic", lambda: now[0])

    def at(second: float) -> None:
        now[0] = second

    return at


def test_labels_are_what_jobs_do_not_share() -> None:
    assert labels([["a=1", "b=2", "c=3"], ["a=1", "b=4", "c=3"]]) == ["b=2", "b=4"]
    assert labels([["a=1", "b=2"]]) == ["a=1 b=2"]


def test_without_a_terminal_a_line_now_and_then(clock: Callable[[float], None]) -> None:
    out = io.StringIO()
    with SweepConsole(Console(file=out, width=60), 2) as view:
        for second in range(100):
            clock(float(second))
            view.progress(second, 100, 0.5, None if second < 50 else 0.9)
        view.finished("norm=batch " * 9, ENDED)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1 + int(99 // (QUIET + 1))
    assert lines[0] == "  0/2 runs  3 min left  update 31/100 loss 0.5"
    assert lines[-2].endswith("loss 0.5 val 0.900")
    assert lines[-1] == f"1/2 complete {'norm=batch ' * 9}  val accuracy 0.9000  test accuracy 0.8000  99.0 s"


def test_time_left_counts_runs_under_way_in_part(clock: Callable[[float], None]) -> None:
    """Neither the time before the first update counts, nor what was done before that."""
    view = SweepConsole(Console(file=io.StringIO()), 10)
    clock(100)
    assert view.left() is None
    view.progress(25, 100, 0.5, None)
    clock(130)
    assert view.left() is None
    view.progress(75, 100, 0.5, None)  # half a run of ten in 30 s
    assert view.left() == pytest.approx(30 * 9.25 / 0.5)
    view.finished("", ENDED)
    assert view.left() == pytest.approx(30 * 9 / 0.75)


def test_packs_side_by_side(clock: Callable[[float], None]) -> None:
    """A pack of 4 and one of 2: 3 and 0.5 runs' worth done, then one of the four has ended and counts as whole."""
    out = io.StringIO()
    view = SweepConsole(Console(file=out), 10)
    view.progress(0, 100, 0.5, None, pack="a", runs=4)
    view.progress(75, 100, 0.5, None, pack="a", runs=4)
    clock(60)
    view.progress(25, 100, 0.25, 0.75, pack="b", runs=2)
    assert view.left() == pytest.approx(60 * 6.5 / 3.5)
    assert out.getvalue() == "  0/10 runs  2 min left  2 in parallel loss 0.25 val 0.750\n"
    view.finished("", ENDED, pack="a")
    assert view.left() == pytest.approx(60 * (10 - 3.75) / 3.75)
    for pack in "aaabb":
        view.finished("", ENDED, pack=pack)
    assert view.left() == pytest.approx(60 * 4 / 6)


def test_a_pack_that_is_no_more_counts_nowhere(clock: Callable[[float], None]) -> None:
    with SweepConsole(Console(file=io.StringIO(), width=60), 4) as view:
        view.progress(0, 100, 0.5, None, "whole", 4)
        clock(10.0)
        view.progress(50, 100, 0.5, None, "whole", 4)
        view.progress(0, 1, 0.0, None, "whole", 0)
        view.progress(50, 100, 0.5, None, "half", 2)
        assert view.left() == pytest.approx(30.0)  # one run's worth in 10 s
        assert view._where() == "update 50/100"


@pytest.mark.parametrize("width", [80, 40])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    out = io.StringIO()
    with SweepConsole(Console(file=out, force_terminal=True, width=width), 12345) as view:
        for step in range(3):
            view.progress(step, 100_000, 1e-7, 0.123, pack=str(step), runs=64)
            view._bar.refresh()
        for info in (ENDED, FAILED):
            view.finished("plugins=[/a/very/long/path.py] placement=before_and_after_act " * 3, info)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()))
    assert max(map(len, lines)) <= width
    for status in ("complete", "failed  "):
        assert sum(f"/12345 {status} " in line for line in lines) == 1


def test_label_and_ending_share_the_width() -> None:
    assert outcome("norm=batch", ENDED, 80) == "norm=batch  val 0.9000  test 0.8000  99.0 s"
    long = "norm=batch placement=after_act model.width=64 seed=3 optim.lr=0.1"
    assert (
        outcome(long, ENDED, 90)
        == "norm=batch placement=after_act width=64 seed=3 lr=0.1  val 0.9000  test 0.8000  99.0 s"
    )
    assert outcome(long, ENDED, 60) == "norm=batch pl…seed=3 lr=0.1  val 0.9000  test 0.8000  99.0 s"
    assert outcome(long, FAILED, 60).startswith("norm=batc…d=3 lr=0.1  RuntimeError: a long")
    assert len(outcome(long, FAILED, 60)) == 60
    assert outcome(long, FAILED, 60).endswith("…")
