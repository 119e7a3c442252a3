"""Base of the laws."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from matplotlib.figure import Figure

from bnlab.laws.row import Row

Found = TypeVar("Found")
Item = TypeVar("Item")


class Track(Protocol):
    """Function that passes the parts of a measurement through and may show how many are done."""

    def __call__(self, items: Sequence[Item], /) -> Iterable[Item]: ...


def silent(items: Sequence[Item], /) -> Iterable[Item]:
    """Pass the parts of a measurement through."""
    return items


class Law(ABC, Generic[Found]):
    """A closed form and its measurement; `Found` is what `measure` returns.

    The keyword-only arguments of the constructor, with literal defaults, are the law's options. Subclasses set
    literals, which `bnlab laws` lists:

    Attributes:
        statement: the closed form, in one line.
        source: where it comes from.
    """

    name: ClassVar[str]
    statement: ClassVar[str]
    source: ClassVar[str]

    @abstractmethod
    def measure(self, track: Track = silent) -> Found:
        """Measure the quantities of the law; its parts go through `track`."""

    @abstractmethod
    def rows(self, found: Found) -> list[Row]:
        """Return the measured quantities with what is expected of them."""

    @abstractmethod
    def draw(self, found: Found, figure: Figure) -> None:
        """Draw the quantities and the closed form (see `bnlab.laws.picture`)."""

    def row(
        self, quantity: str, setting: str, values: Sequence[float], *, expected: float | None = None,
        tolerance: float | None = None,
    ) -> Row:  # fmt: skip
        """Return a row of this law, of one value per seed."""
        return Row(self.name, quantity, setting, tuple(values), expected, tolerance)
