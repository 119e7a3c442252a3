"""The processes that train one run together: this one leads, the others follow.

A leader starts its followers on the same machine. `torchrun` starts the command in all processes, also on several
machines; then that of rank 0 leads.
"""

import atexit
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist

from bnlab.config import assembly, build
from bnlab.errors import FAULTS, BadInput
from bnlab.ranks import Ranks
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.running.builder import Builder
from bnlab.sweeps.running.recorder import NOWHERE
from bnlab.sweeps.running.torchrun import is_torchrun
from bnlab.terminal import say
from bnlab.training.process_ranks import RankLost, join, leave

WAIT = 5.0  # seconds for a follower to end after a call has failed
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)  # the leader handles them, and ends the team
_CONTEXT = get_context("forkserver")  # followers import torch once, together


class Team:
    """This process and N - 1 followers, which end with it.

    A follower trains what the leader trains, on its part of each batch, and writes nothing.

    Attributes:
        ranks: the group.

    Errors: BadInput if torchrun has started another number of processes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.ranks: Ranks
        self._followers: list[Any] = []
        self._folder = TemporaryDirectory(prefix="bnlab-ranks-", ignore_cleanup_errors=True)
        if is_torchrun():
            if int(os.environ["WORLD_SIZE"]) != size:
                raise BadInput(
                    f"processes={size}, and torchrun has started {os.environ['WORLD_SIZE']}: give both the same number"
                )
            self.ranks = join("env://", 0, size)
            return
        if "lo" in dict(socket.if_nameindex()).values():
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # the machine's own name may have no address
        _CONTEXT.set_forkserver_preload([__name__])
        folder = Path(self._folder.name)
        method = (folder / "group").as_uri()
        self._followers = [
            _CONTEXT.Process(target=_follow_here, args=(method, rank, size, folder), daemon=True)
            for rank in range(1, size)
        ]
        atexit.register(self.close)
        for follower in self._followers:
            follower.start()
        self.ranks = join(method, 0, size)

    def begin(self, pack: Pack, payloads: Sequence[dict[str, Any]] | None) -> None:
        """Have the followers train a pack of one run, from a checkpoint or from the beginning."""
        path = Path(self._folder.name) / "run.json"
        pack.write(path)
        _told((path.read_text(encoding="utf-8"), None if payloads is None else list(payloads)))

    def cause(self) -> str:
        """Return why a call of the group failed: the traceback of a follower, or "" if one was killed."""
        for follower in self._followers:
            follower.join(WAIT)
            if follower.exitcode is not None:
                break
        reports = sorted(Path(self._folder.name).glob("*.txt"))
        return reports[0].read_text(encoding="utf-8") if reports else ""

    def close(self) -> None:
        """End the followers."""
        atexit.unregister(self.close)
        for follower in self._followers:
            follower.kill()
        for follower in self._followers:
            follower.join()
        leave()
        self._folder.cleanup()


def _told(message: Any = None) -> Any:
    """Return the leader's message to all ranks."""
    box = [message]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def follow() -> None:
    """Train what the leader of the torchrun trains until it ends; does not return."""
    with TemporaryDirectory(prefix="bnlab-ranks-") as folder:
        _follow(join("env://", int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])), Path(folder))


def _follow_here(method: str, rank: int, size: int, folder: Path) -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _follow(join(method, rank, size), folder)


def _follow(ranks: Ranks, folder: Path) -> None:
    """Train what the leader trains until it ends."""
    builder = Builder()
    path = folder / f"{ranks.rank}.json"
    while True:
        try:
            text, payloads = _told()
        except RuntimeError:  # the leader has ended
            os._exit(0)
        path.write_text(text, encoding="utf-8")
        _train(Pack.read(path), payloads, ranks, builder, folder)


def _train(pack: Pack, payloads: Sequence[dict[str, Any]] | None, ranks: Ranks, builder: Builder, folder: Path) -> None:
    """Train a run without writing anything; end this process if that fails."""
    job = pack.jobs[0]
    torch.set_num_threads(pack.threads)
    build.set_precision(job.config)
    try:
        data, net, _ = builder.built(job)
        assembly.assemble([job.config], data, net, [NOWHERE], payloads, ranks=ranks).run()
    except RankLost:  # the leader or another follower has ended
        os._exit(1)
    except FAULTS:
        (folder / f"{ranks.rank}.txt").write_text(traceback.format_exc(), encoding="utf-8")
        if is_torchrun():
            say(traceback.format_exc(), error=True)
        os._exit(1)
