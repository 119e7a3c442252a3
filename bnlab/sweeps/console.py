"""What the user sees while runs train: one bar, and one line a finished run. Without a terminal, the lines alone."""

from collections.abc import Iterable
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bnlab.sweeps.job import Job

QUIET = 30.0  # seconds without a terminal between lines about a run that goes on
COLOURS = {"complete": "green", "diverged": "yellow", "refused": "yellow", "failed": "red"}


class SweepConsole:
    """A bar over all runs with the time left, and below it how far the present run is."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[state]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._runs: TaskID | None = None
        self._steps = self._bar.add_task("updates", total=None, state="")
        self._done = 0
        self._last_line = monotonic()
        if total > 1:
            self._runs = self._bar.add_task("runs", total=total, state="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        """How far the present run is."""
        state = f"loss {loss:.3g}" + ("" if accuracy is None else f"  val {accuracy:.3f}")
        self._bar.update(self._steps, completed=step, total=total, state=state)
        if not self._console.is_terminal and monotonic() - self._last_line > QUIET:
            self._last_line = monotonic()
            self._console.print(f"  update {step}/{total}  {state}", markup=False, highlight=False, soft_wrap=True)

    def note(self, line: str) -> None:
        """Something to know about a run."""
        self._console.print(line, markup=False, highlight=False)

    def finished(self, label: str, info: dict[str, Any]) -> None:
        """One line for a run that has ended."""
        self._done += 1
        if self._runs is not None:
            self._bar.update(self._runs, completed=self._done)
        status = info["status"]
        place = f"{self._done:>{len(str(self._total))}}/{self._total}"
        # One piece: the bar is drawn anew after each print.
        line = Text.assemble(f"{place} ", (f"{status:<8}", COLOURS[status]), f" {label}  {ending(info)}")
        self._console.print(line, highlight=False, soft_wrap=True)


def ending(info: dict[str, Any]) -> str:
    """How a run ended, in a few words."""
    if info["status"] in ("failed", "refused", "diverged"):
        return str(info["cause"])
    metrics = info["metrics"]
    words = []
    for split in ("val", "test"):
        if metrics.get(f"{split}_accuracy") is not None:
            words.append(f"{split} accuracy {metrics[f'{split}_accuracy']:.4f}")
        elif metrics.get(f"{split}_loss") is not None:
            words.append(f"{split} loss {metrics[f'{split}_loss']:.4g}")
    return "  ".join([*words, f"{info['seconds']:.1f} s"])


def labels(overrides: Iterable[list[str]]) -> list[str]:
    """What tells each job of a sweep from the others: its overrides that not all jobs share (of a single job, all)."""
    lists = list(overrides)
    shared = set.intersection(*map(set, lists)) if len(lists) > 1 else set()
    return [" ".join(o for o in one if o not in shared) for one in lists]


def warn(console: Console, jobs: Iterable[Job]) -> None:
    """Say once what is allowed but rarely meant."""
    if any("output" in job.config.sites for job in jobs):
        console.print(
            "warning: the norm on the output fixes the scale of the logits; few nets want that", style="yellow"
        )
