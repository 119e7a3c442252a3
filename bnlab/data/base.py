"""What a data set is: a fingerprint for run identity, and arrays.

Shapes: N examples, C channels, H height, W width, F features, K outputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from numpy.typing import NDArray

from bnlab.errors import BadInput

Task = Literal["classification", "regression"]
Array = NDArray[Any]
Progress = Callable[[str], None]  # takes a line for the user


def silent(_: str) -> None:
    """Pass over a line about progress."""


class Undecodable(BadInput):
    """Some examples cannot be decoded."""


class Undecoded(ABC):
    """Examples that are decoded once it is known which of them are used.

    Attributes:
        shape: (N, …), as of the array that they would be.
    """

    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def take(self, *indices: Array) -> list[Array]:
        """Return the examples at each of these index arrays; together, so that none is decoded twice.

        Raises:
            Undecodable: some of them cannot be decoded.
        """


def take(x: "Array | Undecoded", *indices: Array) -> list[Array]:
    """Return the examples of x at each of these index arrays."""
    return x.take(*indices) if isinstance(x, Undecoded) else [x[index] for index in indices]


X = TypeVar("X", bound=Array | Undecoded, covariant=True)


@dataclass(frozen=True, eq=False)
class Arrays(Generic[X]):
    """A data set as published: neither split for validation nor normalized.

    Attributes:
        train_x: uint8 or float32, N×C×H×W or N×F; in memory, or not decoded yet.
        train_y: int64 class labels (N), or float32 targets (N×K).
        test_x: as `train_x`.
        test_y: as `train_y`.
        task: what the labels are for.
        classes: number of classes; None for regression.
        outputs: how many outputs a network needs (the classes, or K).
        class_names: names of the classes in label order; empty for regression.
        val_x: a validation set that the data come with; None where one is to be drawn from the training set.
        val_y: its labels.
    """

    train_x: X
    train_y: Array
    test_x: X
    test_y: Array
    task: Task
    classes: int | None
    outputs: int
    class_names: tuple[str, ...]
    val_x: X | None = None
    val_y: Array | None = None

    def parts(self) -> dict[str, tuple[X, Array]]:
        """Return (x, y) of the training and test set, and of the validation set where the data have one."""
        parts = {"training": (self.train_x, self.train_y), "test": (self.test_x, self.test_y)}
        if self.val_x is not None and self.val_y is not None:
            parts["validation"] = (self.val_x, self.val_y)
        return parts

    def check(self, name: str) -> None:
        """Raise `BadInput` where images and labels do not belong together (the message begins with `name`)."""
        for part, (x, y) in self.parts().items():
            if len(x) == 0:
                raise BadInput(f"{name}: the {part} set is empty: check the files under data.root")
            if len(x) != len(y):
                raise BadInput(
                    f"{name}: {len(x)} {part} examples but {len(y)} labels: their files do not belong together"
                )
            if x.shape[1:] != self.train_x.shape[1:]:
                raise BadInput(
                    f"{name}: {part} examples have shape {x.shape[1:]}, training examples {self.train_x.shape[1:]}:"
                    " their files do not belong together"
                )
            if self.classes is not None and not 0 <= y.min() <= y.max() < self.classes:
                raise BadInput(
                    f"{name}: {part} labels range from {y.min()} to {y.max()}, but {self.classes} classes allow"
                    f" 0 to {self.classes - 1}: the labels belong to another data set or are damaged"
                )


class Dataset(ABC):
    """A data set. Its options are keyword-only arguments of the constructor, their defaults in conf/data/<name>.yaml.

    The module of a data set imports no torch.
    """

    name: ClassVar[str]

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of the content, wherever the files lie; part of a run's identity.

        Raises:
            BadInput: files are missing or wrong.
        """

    def notes(self) -> list[str]:
        """Return lines that tell the user what was read and what was passed over; nothing is decoded for them.

        Raises:
            BadInput: files are missing or wrong.
        """
        return []

    @abstractmethod
    def _load(self, progress: Progress, /) -> Arrays[Array | Undecoded]:
        """Return the arrays, not yet checked."""

    def arrays(self, progress: Progress = silent) -> Arrays[Array | Undecoded]:
        """Return the data set. Examples that take long to decode are still `Undecoded`; `split` decodes what it uses.

        Args:
            progress: called with a line every few seconds while something takes long, here or in `split`.

        Raises:
            BadInput: files are missing or wrong.
        """
        arrays = self._load(progress)
        arrays.check(self.name)
        return arrays
