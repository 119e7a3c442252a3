"""Packs that cannot be trained whole, as memory is short or vmap does not allow it: what is tried instead."""

import torch

from bnlab.errors import one_line
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.running.executors.base import View

Parts = list[list[Job]]


def is_too_large(error: BaseException) -> bool:
    """Whether memory was short; on the CPU torch says so in words only."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error):
        return True
    return error.__context__ is not None and is_too_large(error.__context__)  # torch.save makes an error of its own


def split(pack: Pack, parts: Parts, view: View) -> None:
    """Put what is left of a pack, whose runs' locks are held, into packs of these."""
    Packs(pack.study).split(pack, parts)
    view.progress(0, 1, 0.0, None, pack.id, 0)


def halves(left: list[Job]) -> Parts:
    """Two parts, the first no smaller."""
    half = (len(left) + 1) // 2
    return [left[:half], left[half:]]


def sizes(parts: Parts) -> str:
    """ "3 and 2": how many runs are in each."""
    return " and ".join(str(len(part)) for part in parts)


def smaller(left: list[Job], error: BaseException, begun: bool, view: View) -> Parts:
    """What to train instead of a pack that this error ended; nothing where it is the runs' own fault."""
    if len(left) == 1:
        return []
    if is_too_large(error):
        parts = halves(left)
        view.note(f"{len(left)} runs together need more memory than there is: {sizes(parts)} instead")
        return parts
    if begun:
        return []
    config = left[0].config
    what = f"model={config.choices['model']} norm={config.choices['norm']}"
    view.note(f"{what}: its runs cannot be trained together ({one_line(error)}), so one by one")
    return [[job] for job in left]
