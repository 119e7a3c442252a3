"""Where a run's rows go: what training asks of whoever writes them down."""

from typing import Any, Protocol

Row = dict[str, Any]


class Recorder(Protocol):
    """Takes the rows of one run."""

    def append(self, table: str, rows: list[Row]) -> None:
        """Add rows to one of the tables of `runs.schema`."""

    def keep(self, name: str, arrays: dict[str, Any]) -> None:
        """Keep arrays (NumPy) in a file of that name; one that is there is replaced."""

    def checkpoint(self, payload: dict[str, Any]) -> None:
        """Keep what is needed to go on from here, together with the length of each table."""

    def progress(self, step: int, total: int, loss: float, accuracy: float | None) -> None:
        """Where training is, with the last known loss and (validation) accuracy."""
