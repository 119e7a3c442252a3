"""The checkpoint file: everything a run needs to resume, loaded without executing code. A pack shares one file."""

import io
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import ARCHIVE, Unreadable, reading
from bnlab.training.divergence import Divergence
from bnlab.training.executors.base import Executor
from bnlab.training.state import TrainState

Payload = dict[str, Any]

LONGEST = 1e10  # seconds: about 300 years


class Misfit(Exception):
    """Mismatch between the tensors of a checkpoint and those of the net."""


def save(path: Path, payload: Mapping[str, Any]) -> None:
    """Replace the checkpoint atomically."""
    buffer = io.BytesIO()
    torch.save(dict(payload), buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path) -> Payload | None:
    """Return a run's checkpoint, or None if it is missing or unreadable."""
    payload = _read(path)
    return payload if "lengths" in payload else None


def load_pack(path: Path, run_ids: Sequence[str]) -> list[Payload] | None:
    """Return the checkpoints of a pack's runs in the given order, or None if one is missing or unreadable."""
    payloads = _read(path)
    return [payloads[run_id] for run_id in run_ids] if payloads.keys() >= set(run_ids) else None


def is_whole(payload: Any, updates: int | None = None) -> bool:
    """Return whether a checkpoint holds everything needed to resume, with the right types.

    Args:
        updates: the run's total number of updates; None if unknown.
    """
    if not isinstance(payload, dict):
        return False
    step, divergence = payload.get("step"), payload.get("divergence")
    if not isinstance(divergence, dict) or divergence.keys() != {field.name for field in fields(Divergence)}:
        return False
    diverged_at = divergence["diverged_at"]
    return (
        isinstance(payload.get("finished"), bool)
        and type(step) is int
        and 0 <= step <= (step if updates is None else updates)
        and (not payload["finished"] or updates is None or step == updates or diverged_at is not None)
        and all(_is_time(payload.get(key)) for key in ("seconds", "training_seconds"))
        and all(_holds(payload.get(key), Tensor) for key in ("params", "buffers"))
        and _holds(payload.get("slots"), list)
        and all(map(_is_plain, [*payload["params"].values(), *payload["buffers"].values()]))
        and all(_is_plain(tensor) for values in payload["slots"].values() for tensor in values)
        and _holds(payload.get("lengths"), int)
        and all(length >= 0 for length in payload["lengths"].values())
        and _holds(payload.get("sums", {}), str)
        and _holds(payload.get("metrics"), int | float | None)
        and isinstance(payload.get("schedule"), dict)
        and isinstance(divergence["initial"], float)
        and type(divergence["streak"]) is int
        and (diverged_at is None or type(diverged_at) is int)
    )


def digest(payload: Payload) -> str:
    """Return a hash of a checkpoint's parameters and buffers: names, types, shapes and values."""
    found = blake2b(digest_size=16)
    for name, tensor in sorted((payload["params"] | payload["buffers"]).items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


@torch.no_grad()
def restore(state: TrainState, executor: Executor, payloads: Sequence[Payload]) -> None:
    """Copy the checkpoints' tensors into a freshly built state, one checkpoint per replica.

    A slot that a single run does not keep (the velocity of momentum 0, which nothing reads) is left unchanged.

    Raises:
        Misfit: a checkpoint lacks a tensor, or its shape or dtype differs; the state may be partially filled.
    """
    state.step = payloads[0]["step"]
    for r, payload in enumerate(payloads):
        for kept, now in ((payload["params"], state.tensors), (payload["buffers"], state.buffers)):
            for name, tensor in now.items():
                _put(executor.unstack(tensor)[r], kept.get(name), name)
        for slot in state.slots.keys() & payload["slots"].keys():
            if len(state.slots[slot]) != len(payload["slots"][slot]):
                raise Misfit(f"{len(payload['slots'][slot])} tensors of {slot}, not {len(state.slots[slot])}")
            for tensor, own in zip(state.slots[slot], payload["slots"][slot], strict=True):
                _put(executor.unstack(tensor)[r], own, slot)


def _put(tensor: Tensor, kept: Tensor | None, name: str) -> None:
    if kept is None or kept.shape != tensor.shape:
        raise Misfit(f"{name} has shape {None if kept is None else tuple(kept.shape)}, not {tuple(tensor.shape)}")
    if kept.dtype != tensor.dtype:
        raise Misfit(f"{name} has dtype {kept.dtype}, not {tensor.dtype}")
    tensor.copy_(kept)


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < LONGEST


def _is_plain(tensor: Any) -> bool:
    """Return whether a value is a tensor as bnlab saves it: dense, on the CPU, neither quantized nor complex."""
    return (
        isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_quantized
        and not tensor.is_complex()
    )


def _holds(found: Any, kind: Any) -> bool:
    """Return whether a value is a dict with string keys and values of a type."""
    return isinstance(found, dict) and all(isinstance(k, str) and isinstance(v, kind) for k, v in found.items())


def _read(path: Path) -> dict[str, Any]:
    try:
        with reading(path, ARCHIVE) as file:
            if not _is_sound(file):
                return {}
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except (
        FileNotFoundError, Unreadable, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError,
        AttributeError, IndexError, OSError, UnicodeDecodeError, RecursionError,
    ):  # fmt: skip
        return {}
    return content if isinstance(content, dict) else {}


def _is_sound(file: Any) -> bool:
    """Return whether a file is an archive whose members match their checksums, which torch does not check.

    torch stores members uncompressed, so a file with a compressed one (a decompression bomb, say) is not from torch.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            stored = all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
            return stored and archive.testzip() is None
    except MemoryError:
        raise
    except Exception:  # damaged bytes can raise almost anything
        return False
