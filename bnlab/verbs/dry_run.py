"""--dry-run of the verbs that sweep: print what launcher=slurm would submit, and write nothing."""

from collections.abc import Sequence

from bnlab.adaptive.rounds import Rounds
from bnlab.errors import BadInput
from bnlab.sweeps.cluster.launch import script_of
from bnlab.sweeps.sweep import waits
from bnlab.terminal import say

FLAG = "--dry-run"


def without(words: Sequence[str]) -> tuple[list[str], bool]:
    """Return the other words of a command, and whether it has the flag."""
    return [word for word in words if word != FLAG], FLAG in words


def print_script(rounds: Rounds) -> None:
    """Print the sbatch script that a sweep would submit first.

    Raises:
        BadInput: it has another launcher.
    """
    if rounds.config.run["launcher"] != "slurm":
        raise BadInput(f"{FLAG} prints the script of launcher=slurm: add it, or use `bnlab plan`")
    waiting = [job for job, _ in rounds.jobs.values() if waits(job, job.info())]
    say(script_of(waiting).rstrip("\n") if waiting else "nothing is waiting: no worker would be submitted")
