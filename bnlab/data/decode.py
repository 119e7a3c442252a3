"""Decode many pictures into one array, on all cores.

With small pictures most of the time is spent in the interpreter, not in Pillow's C code, so threads help little: many
pictures are decoded by worker processes, which take a second to start, few by threads.
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

MANY = 1000  # least number of pictures for worker processes
CHUNK = 20  # pictures per task of a worker; tasks that have started are finished after Ctrl-C
AHEAD = 3  # chunks in the queue for each worker
EVERY = 5.0  # seconds between lines about progress
WATCH = 0.5  # seconds between a worker's checks that its parent is alive

log = logging.getLogger(__name__)


def decoded(paths: Sequence[str], size: int, channels: int, progress: Progress) -> Array:
    """Return the pictures as uint8 N×C×size×size.

    Raises:
        Undecodable: some cannot be used; raised after all have been tried.
        BadInput: they do not fit in memory.
    """
    need = 2 * len(paths) * channels * size * size  # `take` copies them to the sets
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
    from joblib import cpu_count  # respects the limits of a container

    is_worker = multiprocessing.parent_process() is not None  # a sweep's worker: the others decode too
    cores = 1 if is_worker else cpu_count()
    if len(paths) >= MANY and cores > 1:
        try:
            for part in _by_processes(paths, work, cores):
                yield part
                paths = paths[len(part.x) :]
        except (BrokenProcessPool, OSError) as error:  # killed by the system, or could not start
            log.warning("worker processes for decoding ended (%s): continuing in this process", type(error).__name__)
    with ThreadPoolExecutor(cores) as pool:
        yield from _mapped(pool, work, paths, cores)


def _by_processes(paths: Sequence[str], work: Callable[[Sequence[str]], Images], cores: int) -> Iterator[Images]:
    from joblib.externals.loky import ProcessPoolExecutor  # unlike others, its workers do not rerun __main__

    pool = ProcessPoolExecutor(cores, initializer=_start, initargs=(os.getpid(),), env={"OMP_NUM_THREADS": "1"})
    try:
        resource_tracker.ensure_running()  # started later, it would unblock signals
        with _ctrl_c_blocked():  # workers inherit the mask: only their parent handles Ctrl-C, and ends them
            pool.submit(os.getpid)  # the first call starts all workers
        yield from _mapped(pool, work, paths, cores)
    finally:
        pool.shutdown(wait=True)  # finish started tasks: loky loses track of busy workers that it kills


def _mapped(
    pool: Executor, work: Callable[[Sequence[str]], Images], paths: Sequence[str], cores: int
) -> Iterator[Images]:
    """Yield work(chunk) in order, submitting a bounded number of chunks ahead; cancel those in the queue on errors."""
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
