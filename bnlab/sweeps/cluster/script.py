"""The sbatch script of a study's workers."""

import shlex
import sys
from pathlib import Path
from string import Template

from bnlab.config.slurm import seconds
from bnlab.sweeps.cluster.names import ENDED, FOLDER, STARTS, job_name
from bnlab.sweeps.cluster.options import Options

NAME = "worker.sbatch"
WARNING = 120  # seconds before the time limit at which a worker keeps a checkpoint; a tenth of a short limit
REQUEUES = 100  # most times that one worker is queued again at its time limit

_SCRIPT = Template("""\
#!/bin/sh
# Workers of the study $study, written by bnlab (launcher=slurm). Each trains waiting runs until there are none.
$flags

${lines}\
export LOKY_MAX_CPU_COUNT="$${SLURM_CPUS_ON_NODE:-1}" OMP_NUM_THREADS="$${SLURM_CPUS_ON_NODE:-1}"
echo "$starts: $${SLURM_ARRAY_JOB_ID}_$$SLURM_ARRAY_TASK_ID on $$SLURMD_NODENAME"
$command &
worker=$$!
trap 'again=yes; kill -TERM $$worker' USR1  # the time limit is near: keep a checkpoint
trap : TERM  # cancelled or preempted: Slurm tells the worker itself
while true; do  # a signal ends wait
    wait $$worker
    status=$$?
    kill -0 $$worker 2>/dev/null || break
done
echo "$ended $$status"
if [ -n "$$again" ] && [ $$status -ne 0 ] && [ "$${SLURM_RESTART_COUNT:-0}" -lt $requeues ]; then
    scontrol requeue "$${SLURM_ARRAY_JOB_ID}_$$SLURM_ARRAY_TASK_ID"
fi
exit $$status
""")


def script(study: Path, options: Options, workers: int) -> str:
    """Return the script that starts so many workers of a study from the current folder."""
    place = study.absolute()
    log = str(place / FOLDER).replace("%", "%%") + "/%A_%a.log"
    flags = [f"--job-name={job_name(study)}", f"--array=1-{workers}", f"--chdir={shlex.quote(str(Path.cwd()))}",
             f"--output={shlex.quote(log)}", "--open-mode=append", "--requeue",
             f"--signal=B:USR1@{_warning(options.time)}"]  # fmt: skip
    flags += [] if options.time is None else [f"--time={options.time}"]
    flags += [] if options.partition is None else [f"--partition={options.partition}"]
    flags += [] if options.gpus is None else [f"--gres=gpu:{options.gpus}"]
    flags += [line for line in options.sbatch if line.startswith("-")]
    return _SCRIPT.substitute(
        study=study,
        flags="\n".join(f"#SBATCH {flag}" for flag in flags),
        lines="".join(f"{line}\n" for line in options.sbatch if not line.startswith("-")),
        command=shlex.join([sys.executable, "-m", "bnlab", "worker", str(place)]),
        starts=STARTS,
        ended=ENDED,
        requeues=REQUEUES,
    )


def _warning(time: str | None) -> int:
    return WARNING if time is None else max(5, min(WARNING, seconds(time) // 10))
