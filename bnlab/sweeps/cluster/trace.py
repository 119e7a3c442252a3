"""What the logs of a study's workers say: which have ended, and why."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bnlab.runs.files import TABLE, Unreadable, reading
from bnlab.sweeps.cluster.names import ENDED, FOLDER, STARTS

_NAME = re.compile(r"(\d+_\d+)\.log")
_TAIL = 1 << 14  # bytes that are read from the end of a log
_STATUS = re.compile(rf"{ENDED} (\d+)")
# What Slurm writes into the log of a job that it ends.
_CANCELLED = re.compile(r"\*\*\* .*CANCELLED AT \S+(?: DUE TO (?P<why>[A-Z ]*[A-Z]))?[^*]*\*\*\*")
_MEMORY = re.compile(r"oom[-_ ]kill", re.IGNORECASE)
CANCELLED = "cancelled"


@dataclass(frozen=True)
class Trace:
    """What the log of one worker says about its last start.

    Attributes:
        id: of its task, "12_3".
        cause: why it ended without having trained all it could; "" if it did, or has not ended.
        ended: whether it has ended, as far as its log says.
    """

    id: str
    log: Path
    cause: str
    ended: bool


class Traces:
    """Logs of a study's workers; unchanged ones are not read again.

    Attributes:
        open: number of workers whose logs have no end, of those that were last read.
    """

    def __init__(self, study: Path) -> None:
        self._folder = study / FOLDER
        self._known: dict[Path, tuple[tuple[int, int], Trace]] = {}
        self.open = 0

    def read(self, alive: Collection[str] | None) -> list[Trace]:
        """Return the trace of every worker that has ended badly, in the order of their ids.

        Args:
            alive: ids of the tasks that Slurm has; None if unknown.
        """
        found = []
        self.open = 0
        for path in self._folder.glob("*.log"):
            if (name := _NAME.fullmatch(path.name)) is None or name[1] in (alive or ()):
                continue
            trace = self._trace(path, name[1])
            self.open += not trace.ended
            if trace.cause:
                found.append(trace)
            elif not trace.ended and alive is not None:
                found.append(Trace(trace.id, path, "killed, or its node failed", ended=True))
        return sorted(found, key=lambda trace: [int(part) for part in trace.id.split("_")])

    def _trace(self, path: Path, task: str) -> Trace:
        try:
            found = path.stat()
            state = (found.st_mtime_ns, found.st_size)
            if path not in self._known or self._known[path][0] != state:
                with reading(path, TABLE) as file:
                    file.seek(max(0, found.st_size - _TAIL))
                    text = file.read().decode(errors="replace")
                self._known[path] = (state, _read(path, task, text))
        except (OSError, Unreadable):
            return Trace(task, path, "", ended=True)
        return self._known[path][1]


def _read(path: Path, task: str, text: str) -> Trace:
    """Return the trace of a worker, from the end of its log."""
    last = text[max(0, text.rfind(STARTS)) :]  # an array task that was queued again has started several times
    status = next((int(found[1]) for found in _STATUS.finditer(last)), None)
    cancelled = _CANCELLED.search(last)
    cause = ""
    if _MEMORY.search(last):
        cause = "out of memory"
    elif cancelled is not None:
        cause = (cancelled["why"] or CANCELLED).lower()
    elif status not in (None, 0):
        cause = _own_words(last, status)
    return Trace(task, path, cause, ended=status is not None or cancelled is not None)


def _own_words(text: str, status: int | None) -> str:
    """Return why a worker ended with a status, from what it said; "" if a run failed, which the run's folder names."""
    lines = [line.strip() for line in text.partition(ENDED)[0].splitlines() if line.strip()]
    errors = [line.removeprefix("bnlab: ") for line in lines if line.startswith("bnlab: ")]
    if errors:
        return errors[-1]
    if any(line.startswith("Traceback ") for line in lines):
        return lines[-1]
    if status is not None and status > 128:
        return "killed (out of memory?)" if status == 137 else f"ended by signal {status - 128}"
    return "" if status == 1 else f"status {status}"
