"""Which code, machine and versions a run came from."""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from shutil import which

from bnlab.version import version as own_version

LIBRARIES = ("torch", "torchvision", "numpy", "hydra-core", "pandas")


@cache
def versions() -> dict[str, str]:
    """Versions of bnlab, Python and what computes."""
    return {"bnlab": own_version(), "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


@cache
def git_commit() -> str | None:
    """The commit of the checkout that bnlab runs from, "+" behind it where files differ; null outside one."""
    package = Path(__file__).parents[1]
    if not (package.parent / ".git").exists() or which("git") is None:
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=package.parent, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "HEAD")
    return None if not commit else commit + ("+" if git("status", "--porcelain", "bnlab", "conf") else "")


def device_name(device: str) -> str:
    """The processor's or the GPU's name, and the threads that torch uses on the CPU."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"
