"""What a sweep asks of an executor, and what it is told."""

from collections.abc import Sequence
from typing import Protocol

from bnlab.sweeps.packing.pack import Pack


class View(Protocol):
    """Is told how training goes."""

    def progress(self, step: int, total: int, loss: float, accuracy: float | None, pack: str, runs: int) -> None:
        """How far a pack with so many runs left is (with none: it is no more, they are in others), and what one of them
        last had for loss and validation accuracy."""

    def note(self, line: str) -> None:
        """Something that the user should know."""


class Listener(View, Protocol):
    """Is told what happens while packs train."""

    def left_alone(self, folder: str, reason: str) -> None:
        """The run of this folder cannot be trained there, for a reason that its folder gives."""

    def ended(self, folder: str, pack: str) -> None:
        """The run of this folder has ended, as run.json says; of that pack, or "" where another launch trained it."""

    def stopped(self) -> bool:
        """Whether no further pack should be begun."""


class Executor(Protocol):
    """Trains packs; all that it must know of one can be written down (`Pack.write`), so it may do so elsewhere."""

    def run(self, packs: Sequence[Pack], listener: Listener) -> None:
        """Train them and return when each has ended, is trained by another launch, or has been regrouped.

        Raises:
            BadInput: the data or the device cannot be used.
            OSError: nothing can be written any more.
        """
