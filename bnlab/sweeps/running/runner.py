"""Training of one pack at a time in this process, with run folders as `runs.schema` describes them."""

import resource
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from bnlab.config import assembly, build
from bnlab.config.validate import Config
from bnlab.errors import FAULTS, BadInput, Refused, environmental, is_environmental, one_line
from bnlab.models.describe import site_rows
from bnlab.ranks import Ranks
from bnlab.runs.files import Foreign, check_own
from bnlab.runs.lock import Busy, Lost, lock
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.division import Parts, halves, sizes, smaller, split
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs, Regrouped
from bnlab.sweeps.running.builder import Builder
from bnlab.sweeps.running.executors.base import Listener, View
from bnlab.sweeps.running.folder import Folder
from bnlab.sweeps.running.recorder import FolderRecorder, Keeper
from bnlab.sweeps.running.resuming import resume
from bnlab.sweeps.running.team import Team
from bnlab.sweeps.running.torchrun import is_torchrun
from bnlab.training import checkpoint
from bnlab.training.process_ranks import RankLost

TRIES = 3  # deaths of its process in one launch after which a run is failed


class Removed(Foreign):
    """Error for a run whose folder was removed during training."""


class Runner:
    """Trainer of packs, one after another.

    Args:
        processes: number of processes that train in parallel, including this one.

    Attributes:
        builder: builds the data and the net of a pack, and caches them for the next.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._deaths: Counter[str] = Counter()
        self.builder = Builder()
        self._team: Team | None = None
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a run keeps six files open, a pack has many runs

    def attempt(self, pack: Pack, listener: Listener) -> None:
        """Train a pack of a sweep; refuse what cannot work, leave runs and files of others untouched."""
        try:
            trained = self.train(pack, listener)
            for job in trained or pack.jobs:  # empty: another launch has ended them meanwhile
                listener.ended(str(job.folder), pack.id if trained else "")
        except Refused as reason:
            self.stop(pack, reason.status, str(reason), listener)
        except (Foreign, PermissionError) as error:
            said = environmental(error) if isinstance(error, PermissionError) else str(error)
            obstacles = {str(job.folder): job.obstacle() for job in pack.jobs}
            if isinstance(error, Removed):
                obstacles |= {str(job.folder): said for job in pack.jobs if not job.folder.is_dir()}
            if not any(obstacles.values()) or not pack.study.is_dir():
                raise  # the obstacle is in the study's folder
            for folder, obstacle in obstacles.items():
                if obstacle is not None:
                    listener.skipped(folder, obstacle)
            listener.note(f"{said}; the other runs of its pack continue without it" if len(pack.jobs) > 1 else said)
        except Lost as reason:
            listener.note(str(reason))
        except (Busy, Regrouped):
            pass  # the sweep tries it again later

    def train(self, pack: Pack, view: View) -> Sequence[Job]:
        """Train a pack, or resume it if it was interrupted, and return the jobs that have ended.

        A fault of the program marks its runs `failed` with their traceback and is not raised again.

        Raises:
            Busy: another process holds one of its runs; nothing is written.
            Regrouped: the pack no longer exists, or had to be split.
            Refused: the combination cannot work; nothing is written.
            BadInput: the data or the device cannot be used; nothing is written.
            OSError: nothing more can be written; what was written stays, to resume from.
        """
        packs = Packs(pack.study)
        self.builder.progress = view.note
        with _locked(pack) as left:
            if not packs.holds(pack):
                raise Regrouped
            parts = self._trained(pack, left, view) if left else []
            if parts:
                torch.cuda.empty_cache()  # the pack's tensors are free by now
                split(pack, parts, view)
                raise Regrouped
            _drop_checkpoint(pack)
        return left

    def lost(self, pack: Pack, cause: str, listener: Listener) -> None:
        """Handle a pack whose process has died.

        Several runs are split into halves, each tried by itself. A single run resumes from its checkpoint, and is
        marked `failed` after `TRIES` deaths.
        """
        try:
            with _locked(pack) as left:
                if len(left) > 1:
                    parts = halves(left)
                    split(pack, parts, listener)
                    listener.note(f"{len(left)} runs together: {cause}; training {sizes(parts)} instead")
                    return
        except Busy:
            return
        self._deaths[pack.id] += 1
        if self._deaths[pack.id] < TRIES:
            listener.note(f"{pack.jobs[0].run_id}: {cause}; it is tried again")
            return
        self.stop(pack, "failed", cause, listener)

    def stop(self, pack: Pack, status: str, cause: str, listener: Listener) -> None:
        """Mark the unfinished runs of a pack as `refused` or `failed`."""
        try:
            with _locked(pack) as left:
                _stop(left, status, cause)
                _drop_checkpoint(pack)
        except Busy:
            return
        for job in left:
            listener.ended(str(job.folder), pack.id)

    def close(self) -> None:
        """End the processes that train together with this one."""
        if self._team is not None:
            self._team.close()
            self._team = None

    def _trained(self, pack: Pack, left: list[Job], view: View) -> Parts:
        """Train a pack, again from its checkpoint if a process that trains with this one ends."""
        for again in range(TRIES):
            try:
                return self._train(pack, left, view)
            except RankLost:
                assert self._team is not None
                if is_torchrun():
                    raise BadInput("another process of torchrun has ended: repeat the command, which resumes") from None
                trace = self._team.cause()
                self.close()
                cause = trace.strip().rpartition("\n")[2] or "one of its processes ended (out of memory?)"
                if trace or again == TRIES - 1:
                    _stop(left, "failed", cause, trace or None)
                    return []
                view.note(f"{pack.jobs[0].run_id}: {cause}; it is tried again")
            except BaseException:
                self.close()
                raise
        raise AssertionError("the last try returns")

    def _ranks(self, config: Config) -> Ranks | None:
        """Return the processes that train a run together; None if only this one does."""
        size = config.run["processes"]
        if size == 1:
            return None
        gpus = torch.cuda.device_count()
        if build.device(config).type == "cuda" and size > gpus and not is_torchrun():
            raise BadInput(f"processes={size} needs as many GPUs, and here are {gpus}: lower it, or use device=cpu")
        if self._team is not None and self._team.size != size:
            self.close()
        if self._team is None:
            self._team = Team(size)
        return self._team.ranks

    def _train(self, pack: Pack, left: list[Job], view: View) -> Parts:
        """Train the unfinished runs of a pack; return the parts into which it had to be split, if any."""
        configs = [job.config for job in pack.jobs]
        try:
            data, net, shapes = self.builder.built(pack.jobs[0])  # refused before anything is written
        except FAULTS as error:
            if is_environmental(error) or isinstance(error, BadInput):
                raise
            _stop(left, "failed", one_line(error), traceback.format_exc())
            return []
        torch.set_num_threads(pack.threads)
        build.set_precision(configs[0])
        with ExitStack() as opened:
            folders = [opened.enter_context(Folder(job)) for job in pack.jobs]
            mine = {folder.job.run_id: folder for folder in folders if folder.job in left}
            n_params = sum(p.numel() for p in net.parameters())
            for slot, folder in enumerate(folders):
                folder.facts = {"n_params": n_params, "classes": data.classes, "execution": _execution(pack, slot)}
            payloads = resume(pack, mine, assembly.length(pack.jobs[0].config, data).updates, view)
            if payloads is None and len(left) < len(pack.jobs):
                _drop_checkpoint(pack)
                return [left]
            started, ranks = payloads is not None, self._ranks(configs[0])
            keeper = Keeper(pack, len(left), view)
            recorders = [FolderRecorder(folder, keeper) for folder in folders]
            try:
                try:
                    loop = assembly.assemble(configs, data, net, recorders, payloads, view.note, ranks)
                except checkpoint.Misfit as error:
                    view.note(f"{pack.label} has another net's checkpoint ({error}): it restarts from the beginning")
                    if len(left) < len(pack.jobs):
                        _drop_checkpoint(pack)
                        return [left]
                    started, payloads = False, None
                    loop = assembly.assemble(configs, data, net, recorders, note=view.note, ranks=ranks)
                if len(pack.jobs) > 1:
                    loop.rehearse()
                if not started:
                    _drop_checkpoint(pack)
                    for folder in mine.values():
                        folder.begin(site_rows(net, shapes))
                    started = True
                if self._team is not None and ranks is not None:
                    self._team.begin(pack, payloads)
                outcomes = loop.run()
            except (Busy, RankLost):
                raise
            except FAULTS as error:
                self.close()
                if is_environmental(error) or (isinstance(error, BadInput) and not started):
                    raise
                if gone := next((job.folder for job in left if not job.folder.is_dir()), None):
                    raise Removed(f"{gone} was removed while its run trained: repeat the command") from None
                if parts := smaller(left, error, started, view):
                    return parts
                for folder in mine.values():
                    folder.stop("failed", one_line(error), traceback.format_exc())
                return []
            for folder, outcome in zip(folders, outcomes, strict=True):
                if folder.job.run_id in mine:
                    outcome.cost["processes"] = self._processes
                    folder.end(outcome, keeper.part(folder.job.run_id), packed=len(pack.jobs) > 1)
        return []


@contextmanager
def _locked(pack: Pack) -> Iterator[list[Job]]:
    """Hold the locks of a pack's runs and yield the unfinished jobs.

    Raises:
        Busy: another process holds one of them.
        Foreign: something else is in the place of a run's folder or of the pack's checkpoint.
    """
    with ExitStack() as held:
        if len(pack.jobs) > 1:
            check_own(pack.checkpoint)
        for job in pack.jobs:
            check_own(job.folder, folder=True)
            held.enter_context(lock(job.folder))
        yield [job for job in pack.jobs if not job.finished()]


def _stop(jobs: Sequence[Job], status: str, cause: str, trace: str | None = None) -> None:
    for job in jobs:
        with Folder(job) as folder:
            folder.stop(status, cause, trace)


def _execution(pack: Pack, slot: int) -> dict[str, Any]:
    size = pack.jobs[0].config.run["processes"]
    return {"executor": pack.executor, "pack": pack.id, "runs": len(pack.jobs), "slot": slot, "threads": pack.threads,
            **({"processes": size} if size > 1 else {})}  # fmt: skip


def _drop_checkpoint(pack: Pack) -> None:
    if len(pack.jobs) > 1:
        pack.checkpoint.unlink(missing_ok=True)
