"""Commands of Slurm as small scripts on PATH, whose queue is a file."""

import os
from pathlib import Path

import pytest

_SBATCH = """\
#!/bin/sh
if [ -s $F/refuse ]; then cat $F/refuse >&2; exit 1; fi
job=$(($(cat $F/jobs) + 1)); echo $job > $F/jobs
for last; do :; done
cp "$last" $F/submitted_$job
n=$(sed -n 's/^#SBATCH --array=1-//p' "$last")
for i in $(seq $n); do echo "${job}_$i|$(cat $F/as)" >> $F/queue; done
echo "$job;cluster"
"""
_SQUEUE = """\
#!/bin/sh
echo "$@" >> $F/asked
if [ -e $F/mute ]; then echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1; fi
cat $F/queue
"""
_SCANCEL = """\
#!/bin/sh
echo "$@" >> $F/cancelled
: > $F/queue
"""


class FakeSlurm:
    """A Slurm that starts nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        folder.mkdir()
        for name, text in {"sbatch": _SBATCH, "squeue": _SQUEUE, "scancel": _SCANCEL}.items():
            (folder / name).write_text(text.replace("$F", str(folder)))
            (folder / name).chmod(0o755)
        for name, text in {"jobs": "0", "queue": "", "as": "RUNNING||n1", "cancelled": ""}.items():
            (folder / name).write_text(text)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def submitted(self) -> list[str]:
        """Return the scripts of all jobs."""
        return [path.read_text() for path in sorted(self._folder.glob("submitted_*"))]

    @property
    def cancelled(self) -> str:
        return (self._folder / "cancelled").read_text()

    def queue(self, *lines: str) -> None:
        """Let squeue print these lines."""
        (self._folder / "queue").write_text("".join(f"{line}\n" for line in lines))

    def start_as(self, state: str) -> None:
        """Let tasks of later jobs have this state, reason and node: `PENDING|Priority|`."""
        (self._folder / "as").write_text(state)

    def refuse(self, reason: str) -> None:
        """Let sbatch fail with this message."""
        (self._folder / "refuse").write_text(reason)

    def mute(self) -> None:
        """Let squeue fail."""
        (self._folder / "mute").touch()
