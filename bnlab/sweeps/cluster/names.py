"""Names by which a study's workers in Slurm are found again. Imports neither torch nor hydra, for `bnlab status`."""

import re
from hashlib import blake2b
from pathlib import Path

FOLDER = "slurm"  # of a study, with the script and the log of each worker
STARTS = "bnlab worker starts"  # first line of a log, see `trace`
ENDED = "bnlab worker ended with status"


def job_name(study: Path) -> str:
    """Return the name of a study's jobs, by which they are found again; no other study has it."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", study.name)[:40]
    return f"bnlab-{readable}-{blake2b(str(study.resolve()).encode(), digest_size=4).hexdigest()}"
