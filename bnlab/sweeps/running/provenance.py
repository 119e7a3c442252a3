"""Code, machine and library versions of a run."""

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
    """Return the versions of bnlab, Python and the numerical libraries."""
    return {"bnlab": own_version(), "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


@cache
def git_commit() -> str | None:
    """Return the commit of bnlab's checkout, followed by "+" if files differ; None outside a checkout."""
    package = Path(__file__).parents[1]
    if not (package.parent / ".git").exists() or which("git") is None:
        return None

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=package.parent, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "HEAD")
    return None if not commit else commit + ("+" if git("status", "--porcelain", "bnlab", "conf") else "")


def device_name(device: str) -> str:
    """Return the name of the GPU, or of the processor with the number of torch threads."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu ({platform.machine()}, {torch.get_num_threads()} threads)"
