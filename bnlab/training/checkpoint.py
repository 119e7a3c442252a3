"""checkpoint.pt: everything a run needs to go on, loadable without running any code."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from bnlab.runs.atomic import write_atomic
from bnlab.training.state import TrainState


def save(path: Path, payload: dict[str, Any]) -> None:
    """Replace the checkpoint by this one, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path) -> dict[str, Any] | None:
    """The checkpoint; null where there is none or it cannot be read."""
    if not path.exists():
        return None
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError):
        return None
    return payload if isinstance(payload, dict) and "lengths" in payload else None


@torch.no_grad()
def restore(state: TrainState, payload: dict[str, Any]) -> None:
    """Put a checkpoint's tensors into a freshly built state of one run."""
    state.step = payload["step"]
    for kept, now in ((payload["params"], state.tensors), (payload["buffers"], state.buffers)):
        for name, tensor in now.items():
            tensor.copy_(kept[name])
    for slot, tensors in state.slots.items():
        for tensor, kept in zip(tensors, payload["slots"][slot], strict=True):
            tensor.copy_(kept)
