"""Ranks as processes of a `torch.distributed` group: gloo on CPUs, NCCL on GPUs."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

TIMEOUT = timedelta(days=1)  # of one call; a dead rank closes its connections, which the others notice at once


class RankLost(RuntimeError):
    """Error for a call that the other ranks do not complete, because one of them has ended."""


class ProcessRanks:
    """This process's view of a group (`bnlab.ranks.Ranks`)."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def gather(self, value: Tensor) -> Tensor:
        own = value.detach().contiguous()
        rows = own.new_empty(self.size, *own.shape)
        try:
            dist.all_gather(list(rows.unbind()), own)
        except RuntimeError as error:
            raise RankLost(str(error)) from error
        return rows

    def add_(self, value: Tensor) -> None:
        try:
            dist.all_reduce(value)
        except RuntimeError as error:
            raise RankLost(str(error)) from error


def join(init_method: str, rank: int, size: int) -> ProcessRanks:
    """Join a group of `size` processes, each of which calls this with its own rank.

    Args:
        init_method: where the processes meet, as in `torch.distributed.init_process_group`.
    """
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)) % torch.cuda.device_count())
    dist.init_process_group(backend, init_method=init_method, rank=rank, world_size=size, timeout=TIMEOUT)
    return ProcessRanks()


def leave() -> None:
    """Leave the group, also after an error in it."""
    dist.destroy_process_group()
