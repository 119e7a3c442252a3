"""Types of the options of `launcher=slurm`: a time limit, a partition, and lines for the sbatch script."""

import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

# Options that only launcher=slurm uses, besides sweep.workers.
SLURM = ("sweep.time", "sweep.partition", "sweep.gpus", "sweep.sbatch", "sweep.wait")

_TIME = re.compile(r"(?:(?P<days>\d{1,4})-)?(?P<rest>\d{1,6}(?::\d{1,6}){0,2})", re.ASCII)
_PARTITION = re.compile(r"[\w.+-]+(,[\w.+-]+)*", re.ASCII)

# Flags of sbatch that bnlab's own lines set, and who else may.
_OURS = {
    "time": "sweep.time", "partition": "sweep.partition", **dict.fromkeys(
        ("array", "output", "error", "open-mode", "signal", "requeue", "no-requeue", "job-name", "chdir", "wait",
         "parsable", "wrap", "test-only"), "bnlab"),
}  # fmt: skip
_SHORT = {"-t": "time", "-p": "partition", "-a": "array", "-o": "output", "-e": "error", "-J": "job-name",
          "-D": "chdir", "-W": "wait"}  # fmt: skip


def seconds(time: str) -> int:
    """Return a time limit in seconds; sbatch reads minutes, minutes:seconds, hours:minutes:seconds, days-hours.

    Raises:
        ValueError: sbatch does not understand it, or it is 0.
    """
    found = _TIME.fullmatch(time)
    if found is None:
        raise ValueError(time)
    parts = [int(part) for part in found["rest"].split(":")]
    if found["days"] is not None:
        parts = [*parts, 0, 0][:3]
    elif len(parts) < 3:
        parts = [0, *parts, 0][:3]
    total = 86400 * int(found["days"] or 0) + 3600 * parts[0] + 60 * parts[1] + parts[2]
    if total == 0:
        raise ValueError(time)
    return total


def _time(value: int | str) -> str:
    try:
        seconds(str(value))
    except ValueError:
        said = "a time limit that sbatch understands: minutes (90), hours:minutes:seconds (4:00:00), days-hours (1-12)"
        raise PydanticCustomError("time", said) from None
    return str(value)


def _partition(name: str) -> str:
    if not _PARTITION.fullmatch(name):
        raise PydanticCustomError("partition", "the name of a partition (sinfo lists them)")
    return name


def _line(text: str) -> str:
    flag = text.split("=")[0].split(" ")[0]
    if not text.strip() or text.startswith((" ", "#")):
        raise PydanticCustomError("line", "a flag of sbatch (--mem=8G) or a line of shell (module load python)")
    name = flag[2:] if flag.startswith("--") else _SHORT.get(flag[:2], "") if flag.startswith("-") else ""
    # sbatch accepts unambiguous beginnings of its flags.
    ours = next((known for known in _OURS if len(name) > 2 and known.startswith(name)), None)
    if ours is not None:
        context = {"flag": ours, "by": _OURS[ours]}
        raise PydanticCustomError("flag", "a flag other than --{flag}, which {by} sets", context)
    return text


Time = Annotated[int | str, AfterValidator(_time)]
Partition = Annotated[str, AfterValidator(_partition)]
ScriptLine = Annotated[str, AfterValidator(_line)]
