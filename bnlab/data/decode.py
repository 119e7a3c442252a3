"""Many pictures as one array, on all cores.

Small pictures keep the interpreter busier than Pillow's own code, so that threads gain little: many pictures go to
worker processes, which take a second to start, few to threads.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker

import numpy as np

from bnlab.data.base import Array, Progress
from bnlab.data.picture import Fault, Images, check, images
from bnlab.memory import require

MANY = 1000  # pictures for which worker processes are started
CHUNK = 20  # pictures that a worker gets at a time; what has begun is finished after Ctrl-C
AHEAD = 3  # chunks in the queue for each worker
EVERY = 5.0  # seconds between lines about progress
WATCH = 0.5  # seconds between a worker's looks whether its parent lives

log = logging.getLogger(__name__)


def decoded(paths: Sequence[str], size: int, channels: int, progress: Progress) -> Array:
    """Return the pictures as uint8 N×C×size×size.

    Raises:
        Undecodable: some cannot be used; all are tried before.
        BadInput: all together do not fit in memory.
    """
    need = 2 * len(paths) * channels * size * size  # they are copied when they are shared out to the parts
    require(
        need, f"image_folder: {len(paths):,} pictures of {channels}×{size}×{size}", "lower data.size or data.train_size"
    )
    x_NCHW = np.empty((len(paths), channels, size, size), np.uint8)
    done, said = 0, time.monotonic()
    faults: list[Fault] = []
    for part in _parts(paths, partial(images, size=size, channels=channels)):
        x_NCHW[done : done + len(part.x)] = part.x
        done += len(part.x)
        faults += part.faults
        if time.monotonic() - said >= EVERY and done < len(paths):
            said = time.monotonic()
            progress(f"image_folder: {done:,} of {len(paths):,} pictures decoded")
    check(faults, len(paths))
    return x_NCHW


def _parts(paths: Sequence[str], work: Callable[[Sequence[str]], Images]) -> Iterator[Images]:
    """Yield the pictures chunk by chunk, in order."""
    from joblib import cpu_count  # counts what a container leaves

    is_worker = multiprocessing.parent_process() is not None  # of a sweep: its siblings decode too
    cores = 1 if is_worker else cpu_count()
    if len(paths) >= MANY and cores > 1:
        try:
            for part in _by_processes(paths, work, cores):
                yield part
                paths = paths[len(part.x) :]
        except (BrokenProcessPool, OSError) as error:  # killed by the system, or no means to start any
            log.warning("worker processes for decoding ended (%s): going on in this process", type(error).__name__)
    with ThreadPoolExecutor(cores) as pool:
        yield from _mapped(pool, work, paths, cores)


def _by_processes(paths: Sequence[str], work: Callable[[Sequence[str]], Images], cores: int) -> Iterator[Images]:
    from joblib.externals.loky import ProcessPoolExecutor  # unlike others, its workers do not run __main__ again

    pool = ProcessPoolExecutor(cores, initializer=_start, initargs=(os.getpid(),), env={"OMP_NUM_THREADS": "1"})
    try:
        resource_tracker.ensure_running()  # which would unblock signals when a worker first needs it
        with _ctrl_c_blocked():  # workers inherit it: Ctrl-C is for their parent, which ends them
            pool.submit(os.getpid)  # the first call starts all workers
        yield from _mapped(pool, work, paths, cores)
    finally:
        pool.shutdown(wait=True)  # what has begun is decoded: loky loses workers where it is told to kill busy ones


def _mapped(
    pool: Executor, work: Callable[[Sequence[str]], Images], paths: Sequence[str], cores: int
) -> Iterator[Images]:
    """Yield work(chunk) in order, a bounded number of chunks ahead; an error leaves none in the queue."""
    waiting: deque[Future[Images]] = deque()
    try:
        for n in range(0, len(paths), CHUNK):
            waiting.append(pool.submit(work, paths[n : n + CHUNK]))
            if len(waiting) > AHEAD * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: int) -> None:
    """Make this process a worker that ends with its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, name="watch", daemon=True).start()
