"""Training of packs one after another in this process."""

from collections.abc import Iterable

from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.executors.base import Listener
from bnlab.sweeps.running.runner import Runner


class InProcess:
    """Executor without workers to start, with as many threads as its packs ask for."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, packs: Iterable[Pack], listener: Listener) -> None:
        for pack in packs:
            if listener.stopped():
                return
            self._runner.attempt(pack, listener)
