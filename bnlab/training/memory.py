"""Peak memory of a run."""

import os
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")


def watch_peak(device: torch.device) -> None:
    """Reset the peak."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif os.access(_PROCESS / "clear_refs", os.W_OK):
        (_PROCESS / "clear_refs").write_text("5")  # Linux: reset the peak resident size


def peak(device: torch.device) -> int | None:
    """Return the peak bytes since `watch_peak`: allocated by torch on a GPU, else resident, including libraries.

    None if the system does not report it. If the peak cannot be reset, it is that since the process started.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if not (_PROCESS / "status").exists():
        return None
    for line in (_PROCESS / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
