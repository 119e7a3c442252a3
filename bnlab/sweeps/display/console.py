"""Console output during training: a bar, and one line per finished run. Without a terminal, only lines."""

import re
from collections.abc import Iterable
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column
from rich.text import Text

from bnlab.runs.duration import spoken
from bnlab.sweeps.job import Job
from bnlab.terminal import Console

QUIET = 30.0  # seconds between progress lines without a terminal
WARM = 2.0  # seconds before the time left is estimated
COLOURS = {"complete": "green", "diverged": "yellow", "refused": "yellow", "failed": "red"}


class Under(NamedTuple):
    """Progress of a pack: updates done, updates in total, and number of unfinished runs."""

    step: int
    total: int
    runs: int


class SweepConsole:
    """Bar over all runs that moves with their updates, with the time left and the progress of the current packs."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)
        self._under: dict[str, Under] = {}
        self._done = 0
        self._begun: tuple[float, float] | None = None  # time of the first progress, and amount done then
        self._last_line = monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        self._draw("")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def progress(
        self, step: int, total: int, loss: float | None, accuracy: float | None, pack: str = "", runs: int = 1
    ) -> None:
        """Show the progress of a pack.

        Args:
            loss: None if unknown.
            accuracy: last known accuracy on the validation split.
            pack: distinguishes packs that train in parallel.
            runs: number of its unfinished runs; 0 if the pack no longer exists.
        """
        if runs == 0:
            self._under.pop(pack, None)
            return
        self._under[pack] = Under(step, total, runs)
        if self._begun is None:
            self._begun = (monotonic(), self._amount())
        metrics = [
            *([] if loss is None else [f"loss {loss:.3g}"]),
            *([] if accuracy is None else [f"val {accuracy:.3f}"]),
        ]
        self._draw(" ".join([self._where(), *metrics]))

    def note(self, line: str) -> None:
        """Print a line about a run."""
        self._console.print(line, soft_wrap=not self._console.is_terminal)

    def finished(self, label: str, info: dict[str, Any], pack: str = "") -> None:
        """Print a line for a run that has ended, of the pack that `progress` named."""
        self._done += 1
        if (under := self._under.pop(pack, None)) is not None and under.runs > 1:
            self._under[pack] = under._replace(runs=under.runs - 1)
        self._draw(self._where())
        status = info["status"]
        place = f"{self._done:>{len(str(self._total))}}/{self._total} "
        width = self._console.width - len(place) - 9 if self._console.is_terminal else None
        # In one print, because the bar is redrawn after each.
        line = Text.assemble(place, (f"{status:<8}", COLOURS[status]), " ", outcome(label, info, width))
        self._console.print(line, soft_wrap=True)

    def left(self) -> float | None:
        """Return the seconds until all runs end, at the pace since the first update; None if unknown."""
        if self._begun is None:
            return None
        began, before = self._begun
        elapsed, done = monotonic() - began, self._amount()
        return elapsed * (self._total - done) / (done - before) if done > before and elapsed > WARM else None

    def _amount(self) -> float:
        """Return the number of finished runs, plus the finished fractions of the current ones."""
        return min(self._total, self._done + sum(one.runs * one.step / one.total for one in self._under.values()))

    def _where(self) -> str:
        several = len(self._under) > 1
        return (
            f"{len(self._under)} in parallel"
            if several
            else "".join(f"update {u.step}/{u.total}" for u in self._under.values())
        )

    def _draw(self, state: str) -> None:
        left = self.left()
        words = [
            *([f"{self._done}/{self._total} runs"] if self._total > 1 else []),
            *([] if left is None else [f"{spoken(left)} left"]),
            state,
        ]
        text = "  ".join(word for word in words if word)
        self._bar.update(self._task, completed=self._amount(), description=text)
        if not self._console.is_terminal and monotonic() - self._last_line > QUIET:
            self._last_line = monotonic()
            self._console.print(f"  {text}", soft_wrap=True)


def outcome(label: str, info: dict[str, Any], width: int | None) -> str:
    """Return a run's label and how it ended, in one line of at most `width` characters; in full if it is None."""
    if width is None:
        return f"{label}  {ending(info)}"
    end = ending(info).replace(" accuracy", "")
    room = width - len(end) - 2 if len(end) < 2 * width // 3 else width // 3
    if len(label) > room:
        label = re.sub(r"[\w.]+\.(\w+=)", r"\1", label)  # lr= for optim.lr=
    if len(label) > room:  # the options that vary slowest and fastest are at its ends
        label = f"{label[: (room - 1) // 2]}…{label[len(label) - room // 2 :]}"
    line = f"{label}  {end}"
    return line if len(line) <= width else f"{line[: width - 1]}…"


def ending(info: dict[str, Any]) -> str:
    """Return how a run ended, in a few words."""
    if info["status"] in ("failed", "refused", "diverged"):
        return str(info["cause"])
    metrics = info["metrics"]
    words = []
    for split in ("val", "test"):
        if metrics.get(f"{split}_accuracy") is not None:
            words.append(f"{split} accuracy {metrics[f'{split}_accuracy']:.4f}")
        elif metrics.get(f"{split}_loss") is not None:
            words.append(f"{split} loss {metrics[f'{split}_loss']:.4g}")
    runs = (info.get("execution") or {}).get("runs", 1)
    seconds = [] if info["seconds"] is None else [f"{info['seconds']:.1f} s"]
    return "  ".join([*words, *seconds]) + (f" ({runs} together)" if runs > 1 else "")


def labels(overrides: Iterable[list[str]]) -> list[str]:
    """Return a label for each job: the overrides that not all jobs share (all of them for a single job)."""
    lists = list(overrides)
    shared = set.intersection(*map(set, lists)) if len(lists) > 1 else set()
    return [" ".join(o for o in one if o not in shared) for one in lists]


def warn(console: Console, jobs: Iterable[Job]) -> None:
    """Warn once about options that are allowed but rarely intended."""
    if any("output" in job.config.sites for job in jobs):
        console.print(
            "warning: the norm on the output fixes the scale of the logits; few nets want that", style="yellow"
        )
