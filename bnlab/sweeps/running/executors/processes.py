"""Training of packs in worker processes (joblib's loky), one at a time in each."""

import os
import re
import resource
import signal
import warnings
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from joblib.externals.loky import ProcessPoolExecutor

from bnlab.errors import BadInput
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.executors.base import Listener
from bnlab.sweeps.running.executors.worker import STOP, events_path, repeat, start, work
from bnlab.sweeps.running.runner import Runner

# A signal to the whole group (a closed terminal) ends loky's resource tracker, which loky restarts.
warnings.filterwarnings("ignore", "resource_tracker: process died unexpectedly", UserWarning)

LOOK = 0.2  # seconds between checks of the workers' events
OPEN_FILES, OPEN_FILES_EACH = 64, 16  # descriptors that a launch needs, and each of its workers
GRACE = 60.0  # seconds for an interrupted worker to finish its update and write its checkpoint


class Processes:
    """Executor with several processes of one torch thread each, spread over the GPUs.

    Each is a separate pool, so that a process that the system kills costs only the pack that it trained.

    Errors: BadInput if this process may not open enough files.
    """

    def __init__(self, workers: int, gpus: int, runner: Runner) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most < (needed := OPEN_FILES + OPEN_FILES_EACH * workers):
            raise BadInput(
                f"{workers} workers need {needed} open files, ulimit -n permits {most}: raise it, or launcher=serial"
            )
        self._environments = [_environment(n, gpus) for n in range(workers)]
        self._runner = runner

    def run(self, packs: Iterable[Pack], listener: Listener) -> None:
        waiting = iter(packs)
        first = list(islice(waiting, len(self._environments)))
        waiting = chain(first, waiting)
        with TemporaryDirectory(prefix="bnlab-", ignore_cleanup_errors=True) as folder:
            environments = self._environments[: len(first)]
            slots = [_Slot(Path(folder), environment, len(environments)) for environment in environments]
            try:
                while True:
                    for slot in slots:
                        if slot.pack is None and not listener.stopped() and (pack := next(waiting, None)) is not None:
                            slot.begin(pack, listener)
                    if (
                        not (futures := [slot.future for slot in slots if slot.future is not None])
                        or listener.stopped()
                    ):
                        return
                    wait(futures, LOOK, FIRST_COMPLETED)
                    for slot in slots:
                        if (lost := slot.look()) is not None:
                            self._runner.lost(*lost, listener)
            except KeyboardInterrupt:
                listener.note("interrupted: writing checkpoints; Ctrl-C again stops immediately")
                for slot in slots:
                    slot.stop()
                wait([slot.future for slot in slots if slot.future is not None], GRACE)
                raise
            finally:
                for slot in slots:
                    slot.end()


class _Slot:
    """One worker process, restarted after it has died."""

    def __init__(self, folder: Path, environment: dict[str, str], processes: int) -> None:
        self._folder, self._environment, self._processes = folder, environment, processes
        self._pool: ProcessPoolExecutor | None = None
        self.pack: Pack | None = None
        self.future: Future[None] | None = None

    def begin(self, pack: Pack, listener: Listener) -> None:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, initializer=start, initargs=(os.getpid(), self._folder), env=self._environment
            )
        path = self._folder / f"{pack.id}.json"
        pack.write(path)
        self._events = repeat(events_path(path), listener)
        self.pack, self.future = pack, self._pool.submit(work, path, self._processes)

    def look(self) -> tuple[Pack, str] | None:
        """Pass on the worker's events; if it has died, return its pack and the cause."""
        if self.pack is None or self.future is None:
            return None
        done = self.future.done()
        next(self._events)
        if not done:
            return None
        pack, future, self.pack, self.future = self.pack, self.future, None, None
        try:
            future.result()
        except BrokenProcessPool as error:
            self.end()
            return pack, _cause(error)
        return None

    def stop(self) -> None:
        """Ask the worker to write a checkpoint of its pack and stop training it."""
        self._signal(STOP)

    def end(self) -> None:
        """End the worker; kill it if it still trains."""
        if self._pool is not None:
            # loky would find the processes to kill through another process, which a signal to the group ends too.
            self._signal(signal.SIGKILL)
            self._pool.shutdown(wait=True)
            self._pool = None

    def _signal(self, number: signal.Signals) -> None:
        if self._pool is not None and self.future is not None and not self.future.done():
            for pid in list(self._pool._processes):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


def _environment(slot: int, gpus: int) -> dict[str, str]:
    environment = {"OMP_NUM_THREADS": "1"}
    if gpus:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus)))).split(",")
        environment["CUDA_VISIBLE_DEVICES"] = visible[slot % gpus]
    return environment


def _cause(error: BrokenProcessPool) -> str:
    """Return what ended a worker, which loky says only in the message."""
    codes = re.search(r"\{(.+)\}", str(error))
    return f"its process ended: {codes[1]} (out of memory?)" if codes else "its process could not be started"
