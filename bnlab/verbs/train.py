"""`bnlab train`: train one run."""

from collections.abc import Sequence

from bnlab.terminal import say

HELP = """\
usage: bnlab train [overrides]

Trains one run and writes it to outputs/<study>/<run id>. The same command does not train a finished run again; after an
interruption it resumes from the last checkpoint.

  bnlab train norm=layer optim.lr=0.1                  the default MLP on digits
  bnlab train model=cnn norm=group data=mnist data.root=DIR epochs=3
  bnlab train norm=batch placement=after_act seed=1    the norm after the activation

Available choices: bnlab list. All options with their defaults: bnlab train --cfg job.

"""


def run(words: Sequence[str]) -> int:
    """Train one run and return the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    from bnlab.terminal import Console
    from bnlab.verbs.one_run import OneRun

    hydra.check_flags(words)
    task = OneRun(Console(), hydra.config_options(words))
    hydra.call(task.entry(), words)
    return task.status
