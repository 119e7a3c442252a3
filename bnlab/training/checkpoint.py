"""checkpoint.pt: everything a run needs to go on, loadable without running any code. A pack keeps its runs' in one."""

import io
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from bnlab.runs.atomic import write_atomic
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState

Payload = dict[str, Any]


def save(path: Path, payload: Mapping[str, Any]) -> None:
    """Replace the checkpoint by this one, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(dict(payload), buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path) -> Payload | None:
    """A run's checkpoint; null where there is none or it cannot be read."""
    payload = _read(path)
    return payload if "lengths" in payload else None


def load_pack(path: Path, run_ids: Sequence[str]) -> list[Payload] | None:
    """The checkpoints of a pack's runs, in this order; null where there is none or it cannot be read."""
    payloads = _read(path)
    return [payloads[run_id] for run_id in run_ids] if payloads.keys() >= set(run_ids) else None


@torch.no_grad()
def restore(state: TrainState, executor: Executor, payloads: Sequence[Payload]) -> None:
    """Put the checkpoints' tensors into a freshly built state, one for each replica.

    A slot that a run alone does not keep (the velocity of momentum 0, which nothing reads) stays as it is.
    """
    state.step = payloads[0]["step"]
    for r, payload in enumerate(payloads):
        for kept, now in ((payload["params"], state.tensors), (payload["buffers"], state.buffers)):
            for name, tensor in now.items():
                executor.unstack(tensor)[r].copy_(kept[name])
        for slot in state.slots.keys() & payload["slots"].keys():
            for tensor, own in zip(state.slots[slot], payload["slots"][slot], strict=True):
                executor.unstack(tensor)[r].copy_(own)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists() or not _is_sound(path):
        return {}
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_sound(path: Path) -> bool:
    """Whether the file is an archive whose every member has its checksum, which torch itself does not look at."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except MemoryError:
        raise
    except Exception:  # whatever the damaged bytes happen to spell
        return False
