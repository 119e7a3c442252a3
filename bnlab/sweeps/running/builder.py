"""A job's data and net, cached for the next job like it, and estimates of its size and time."""

from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

import torch

from bnlab.config import assembly, build
from bnlab.config.source import source
from bnlab.data.tensors import TensorData
from bnlab.errors import FAULTS, BadInput, Refused
from bnlab.models.base import Model
from bnlab.models.describe import multiply_adds
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.choice import Size
from bnlab.sweeps.running.recorder import NOWHERE
from bnlab.training.forecast import forecast

ALL_THREADS = torch.get_num_threads()
SMALL = 200_000_000  # multiply-adds per update below which threads cost more than they gain, most on a busy machine
TRIES = 3  # groups of compatible runs of which one run is timed, and its updates

Shapes = dict[str, tuple[int, ...]]


class Builder:
    """Cache of the last job's data, and of a net without storage for each group of compatible runs on them.

    Attributes:
        progress: receives lines about slow steps, such as decoding pictures.
    """

    def __init__(self) -> None:
        self.progress: Callable[[str], None] = lambda _: None
        self._data: tuple[str, TensorData] | None = None
        self._nets: dict[str, tuple[Model, Shapes]] = {}

    def tensors(self, job: Job) -> TensorData:
        """Return the data of a job.

        Raises:
            BadInput: they cannot be found or used.
        """
        run = job.config.run
        key = repr((sorted(job.config.data.items()), run["precision"], run["device"]))
        if self._data is None or self._data[0] != key:
            self._data, self._nets = None, {}  # two large data sets may not fit in memory together
            self._data = (key, build.tensors(job.config, source(job.config), self.progress))
        return self._data[1]

    def size(self, job: Job) -> Size | None:
        """Return the size of a job's net; None if the job will be refused."""
        try:
            data, net, _ = self.built(job)
        except FAULTS as error:
            _pass_over(error)
            return None
        return Size(sum(p.numel() for p in net.parameters()), multiply_adds(net, data.common.batch_size))

    def threads(self, job: Job, together: int) -> int:
        """Return the number of torch threads in this process for a pack of `together` runs like this one."""
        if job.config.run["threads"] is not None or ALL_THREADS == 1:
            return job.config.run["threads"] or 1
        size = self.size(job)
        return 1 if size is None or size.work * together < SMALL else ALL_THREADS

    def seconds(self, jobs: Sequence[Job]) -> float | None:
        """Return the estimated time of these jobs one after another; None if unknown.

        A few updates are timed, of one job in each of a few groups of compatible runs.
        """
        many = Counter(job.group_key for job in jobs)
        found: dict[str, float] = {}
        for name, job in {job.group_key: job for job in jobs}.items():
            try:
                data, net, _ = self.built(job)  # once per group of compatible runs
                begin = monotonic()
                loop = assembly.assemble([job.config], data, net, [NOWHERE])
                built = monotonic() - begin
                found[name] = built + forecast(loop, TRIES)
            except FAULTS as error:
                _pass_over(error)
                continue
            if len(found) == TRIES:
                break
        if not found:
            return None
        timed = sum(many[name] for name in found)
        return sum(each * many[name] for name, each in found.items()) * len(jobs) / timed

    def built(self, job: Job) -> tuple[TensorData, Model, Shapes]:
        """Return the data of a job, its net without storage, and the shape of an example at each site."""
        data = self.tensors(job)
        if (name := job.group_key) not in self._nets:
            assembly.length(job.config, data)
            self._nets[name] = build.model(job.config, data)
        return (data, *self._nets[name])


def _pass_over(error: BaseException) -> None:
    """Raise an error of the data, which concerns all runs; leave that of a single run to its training."""
    if isinstance(error, BadInput) and not isinstance(error, Refused):
        raise error
