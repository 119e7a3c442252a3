"""What a job trains on and with: its data and its net, kept for the next one like it; and how large and slow it is."""

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
SMALL = 200_000_000  # multiply-adds an update below which threads cost more than they give, above all on a busy machine
TRIES = 3  # kins of which one is timed, and updates of it

Shapes = dict[str, tuple[int, ...]]


class Builder:
    """Keeps the data of the last job, and the nets without storage of the kins on them.

    Attributes:
        progress: takes lines about what takes long, such as decoding pictures.
    """

    def __init__(self) -> None:
        self.progress: Callable[[str], None] = lambda _: None
        self._data: tuple[str, TensorData] | None = None
        self._nets: dict[str, tuple[Model, Shapes]] = {}

    def tensors(self, job: Job) -> TensorData:
        """The data of a job.

        Raises:
            BadInput: they cannot be found or used.
        """
        run = job.config.run
        key = repr((sorted(job.config.data.items()), run["precision"], run["device"]))
        if self._data is None or self._data[0] != key:
            self._data, self._nets = None, {}  # two large data sets need not fit at once
            self._data = (key, build.tensors(job.config, source(job.config), self.progress))
        return self._data[1]

    def size(self, job: Job) -> Size | None:
        """How large a job's net is; null where it will be refused."""
        try:
            data, net, _ = self.built(job)
        except FAULTS as error:
            _pass_over(error)
            return None
        return Size(sum(p.numel() for p in net.parameters()), multiply_adds(net, data.common.batch_size))

    def threads(self, job: Job, together: int) -> int:
        """How many threads of torch a pack of so many runs like this one gets in this process."""
        if job.config.run["threads"] is not None or ALL_THREADS == 1:
            return job.config.run["threads"] or 1
        size = self.size(job)
        return 1 if size is None or size.work * together < SMALL else ALL_THREADS

    def seconds(self, jobs: Sequence[Job]) -> float | None:
        """About what these jobs take alone, one after another, by a few updates of one of each of a few kins."""
        many = Counter(job.kin for job in jobs)
        found: dict[str, float] = {}
        for name, job in {job.kin: job for job in jobs}.items():
            try:
                data, net, _ = self.built(job)  # once for all of a kin
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
        """The data of a job, its net without storage, and the shape of an example at each site."""
        data = self.tensors(job)
        if (name := job.kin) not in self._nets:
            assembly.length(job.config, data)
            self._nets[name] = build.model(job.config, data)
        return (data, *self._nets[name])


def _pass_over(error: BaseException) -> None:
    """Leave it to training to say what is wrong with a run; data that cannot be found are wrong for all."""
    if isinstance(error, BadInput) and not isinstance(error, Refused):
        raise error
