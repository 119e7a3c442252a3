"""Division of packs that cannot train whole, because memory is short or vmap does not support them."""

import torch

from bnlab.errors import one_line
from bnlab.sweeps.job import Job
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.running.executors.base import View

Parts = list[list[Job]]


def is_too_large(error: BaseException) -> bool:
    """Return whether memory was short, which torch on the CPU says only in the message."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error):
        return True
    return error.__context__ is not None and is_too_large(error.__context__)  # torch.save raises another error


def split(pack: Pack, parts: Parts, view: View) -> None:
    """Put the unfinished runs of a pack, whose locks are held, into one pack per part."""
    Packs(pack.study).split(pack, parts)
    view.progress(0, 1, 0.0, None, pack.id, 0)


def halves(left: list[Job]) -> Parts:
    """Return two halves, the first no smaller."""
    half = (len(left) + 1) // 2
    return [left[:half], left[half:]]


def sizes(parts: Parts) -> str:
    """Return the number of runs in each part, as "3 and 2"."""
    return " and ".join(str(len(part)) for part in parts)


def smaller(left: list[Job], error: BaseException, started: bool, view: View) -> Parts:
    """Return the parts to train instead of a pack that this error ended; empty if the runs are at fault."""
    if len(left) == 1:
        return []
    if is_too_large(error):
        parts = halves(left)
        view.note(f"{len(left)} runs together need more memory than is available: training {sizes(parts)} instead")
        return parts
    if started:
        return []
    config = left[0].config
    what = f"model={config.choices['model']} norm={config.choices['norm']}"
    view.note(f"{what}: its runs cannot be trained together ({one_line(error)}): training them one by one")
    return [[job] for job in left]
