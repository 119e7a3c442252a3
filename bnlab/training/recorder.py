"""The interface through which training records a run's rows."""

from typing import Any, Protocol

Row = dict[str, Any]


class Recorder(Protocol):
    """Recorder of the rows of one run."""

    def append(self, table: str, rows: list[Row]) -> None:
        """Append rows to a table of `runs.schema`."""

    def keep(self, name: str, arrays: dict[str, Any]) -> None:
        """Save NumPy arrays in a file of that name, replacing an existing one."""

    def checkpoint(self, payload: dict[str, Any]) -> None:
        """Save what is needed to resume from here, together with the length of each table."""

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        """Report the progress of training, with the last known loss and validation accuracy."""
