"""`bnlab sweep`: many runs."""

import shlex
from collections.abc import Sequence

from bnlab.terminal import say

HELP = """\
usage: bnlab sweep [overrides]

Trains every combination of the values listed with commas, or those of an experiment. Finished runs are not trained
again, so after an interruption the same command goes on; a failed run does not stop the others.

  bnlab sweep experiment=demo
  bnlab sweep norm=none,batch,layer optim.lr=0.01,0.1,1 seed=0,1,2 study=first
  bnlab sweep experiment=demo model.activation=tanh study=demo_tanh      an experiment, changed

An experiment is a yaml (bnlab list experiment); its runs go to outputs/<its name>, others to outputs/main, or to
outputs/<study> with study=NAME. bnlab report outputs/<study> shows what came out.

"""


def run(words: Sequence[str]) -> int:
    """Train a sweep; returns the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    hydra.check_flags(words)
    from bnlab.config.compose import Composer
    from bnlab.sweeps.job import Jobs
    from bnlab.sweeps.sweep import prepare, run_sweep
    from bnlab.terminal import Console
    from bnlab.verbs.one_run import OneRun

    console = Console()
    options = hydra.config_options(words)
    single = OneRun(console, options)
    status = 0

    def batch(composer: Composer, overrides: Sequence[Sequence[str]]) -> None:
        nonlocal status
        source = Jobs(options)
        jobs = prepare(composer, source, overrides, console)
        for note in source.notes:
            console.print(note, soft_wrap=True)
        summary = run_sweep(jobs, len(overrides), console, shlex.join(["bnlab", "sweep", *words]))
        for study in summary.studies:
            console.print(f"report: {shlex.join(['bnlab', 'report', str(study)])}", soft_wrap=True)
        status = summary.status

    task = single.entry()  # what another launcher (hydra/launcher=basic) calls for each run
    task.batch = batch  # type: ignore[attr-defined]  # what ours calls for all of them
    hydra.call(task, words, multirun=True)
    return status or single.status
