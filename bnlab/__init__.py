"""Experiment runner for normalization studies.

The public Python interface is `load`; everything else belongs to the modules, and nothing heavy is imported here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnlab.runs.reader import load as load

    __version__: str

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # Both need imports that would slow down `bnlab --help`.
    if name == "load":
        from bnlab.runs.reader import load

        return load
    if name == "__version__":
        from bnlab.version import version

        return version()
    raise AttributeError(f"module 'bnlab' has no attribute {name!r}")
