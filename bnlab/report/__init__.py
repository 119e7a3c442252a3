"""Tables, figures and one HTML page from run folders. Knows no torch; its libraries load when a report is built."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnlab.report.build import Built as Built
    from bnlab.report.build import build as build

__all__ = ["Built", "build"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from bnlab.report import build as module

        return getattr(module, name)
    raise AttributeError(f"module 'bnlab.report' has no attribute {name!r}")
