"""`bnlab sweep`: train many runs."""

import shlex
from collections.abc import Sequence

from bnlab.terminal import say

HELP = """\
usage: bnlab sweep [overrides]

Trains every combination of values separated by commas, or the runs of an experiment. Finished runs are not trained
again, so the same command resumes after an interruption. A failed run does not stop the others.

  bnlab sweep experiment=demo
  bnlab sweep norm=none,batch,layer optim.lr=0.01,0.1,1 seed=0,1,2 study=first
  bnlab sweep experiment=demo model.activation=tanh study=demo_tanh      an experiment with a change
  bnlab sweep norm=none,batch "optim.lr=interval(1e-4,100)" study=limits
                                   search for the critical learning rate, at which half of the runs go wrong (search.*)

An experiment is a yaml (bnlab list experiment). Its runs are written to outputs/<its name>, other runs to outputs/main;
study=NAME writes to outputs/NAME. bnlab report outputs/NAME shows the results.

On a Slurm cluster, workers in one array of jobs train the runs; see experiments/cluster/README.md:

  bnlab sweep experiment=demo launcher=slurm sweep.time=4:00:00 sweep.workers=8 sweep.gpus=1
  bnlab sweep experiment=demo launcher=slurm "sweep.sbatch=[--mem=8G,--account=NAME,module load python]"

  --dry-run             print the sbatch script; submit and write nothing
  sweep.wait=false      return when the workers are submitted; otherwise, like other launchers, when the runs have ended

"""


def run(words: Sequence[str]) -> int:
    """Train a sweep and return the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    from bnlab.verbs.dry_run import print_script, without

    words, dry = without(words)
    hydra.check_flags(words)
    from bnlab.adaptive.rounds import Rounds
    from bnlab.config.compose import Composer
    from bnlab.config.overrides import key_of
    from bnlab.sweeps.job import Jobs
    from bnlab.terminal import Console
    from bnlab.verbs.one_run import OneRun

    console = Console()
    options = hydra.config_options(words)
    single = OneRun(console, options)
    status = 0

    def batch(composer: Composer, overrides: Sequence[Sequence[str]]) -> None:
        nonlocal status
        source = Jobs(options)
        command = shlex.join(["bnlab", "sweep", *words])
        rounds = Rounds(composer, source, overrides, console, given=set(map(key_of, words)), command=command)
        for note in source.notes:
            console.print(note, soft_wrap=True)
        if dry:
            print_script(rounds)
            return
        rounds.run()
        if rounds.rule.looks is not None:
            console.print(f"first look of sweep.looks={list(rounds.rule.looks)}: `bnlab study` goes on with its claims")
        for study in rounds.summary.studies if rounds.summary.infos else ():
            console.print(f"report: {shlex.join(['bnlab', 'report', str(study)])}", soft_wrap=True)
        status = rounds.summary.status

    task = single.entry()  # another launcher (hydra/launcher=basic) calls it for each run
    task.batch = batch  # type: ignore[attr-defined]  # our launcher calls it for all runs
    hydra.call(task, words, multirun=True)
    return status or single.status
