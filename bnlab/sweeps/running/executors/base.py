"""Interfaces between a sweep and its executors."""

from collections.abc import Iterable
from typing import Protocol

from bnlab.sweeps.packing.pack import Pack


class View(Protocol):
    """Receiver of the progress of training."""

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        """Receive the progress of a pack, with the last loss and validation accuracy of one of its runs.

        Args:
            runs: number of its unfinished runs; 0 if the pack no longer exists because they are in other packs.
        """

    def note(self, line: str) -> None:
        """Receive a line for the user."""


class Listener(View, Protocol):
    """Receiver of events while packs train."""

    def skipped(self, folder: str, reason: str) -> None:
        """Receive a folder in which a run cannot be trained because of its state, and the reason."""

    def ended(self, folder: str, pack: str) -> None:
        """Receive the folder of a run that has ended, and its pack ("" if another launch trained it)."""

    def stopped(self) -> bool:
        """Return whether no further pack should start."""


class Executor(Protocol):
    """Trainer of packs; `Pack.write` holds all that it needs, so it may train in other processes."""

    def run(self, packs: Iterable[Pack], listener: Listener) -> None:
        """Train the packs, asking for each when it can start.

        Return when each has ended, is trained by another launch, or has been regrouped.

        Raises:
            BadInput: the data or the device cannot be used.
            OSError: nothing more can be written.
        """
