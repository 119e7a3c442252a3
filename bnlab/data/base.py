"""Base classes of data sets: a fingerprint for run identity, and arrays.

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
Progress = Callable[[str], None]  # called with a line for the user


def silent(_: str) -> None:
    """Ignore a line about progress."""


class Undecodable(BadInput):
    """Some examples cannot be decoded."""


class Undecoded(ABC):
    """Examples that are decoded later, when it is known which of them are used.

    Attributes:
        shape: (N, …), the shape of the decoded array.
    """

    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def take(self, *indices: Array) -> list[Array]:
        """Return the examples at each of these index arrays, decoding each only once.

        Raises:
            Undecodable: some examples cannot be decoded.
        """


def take(x: "Array | Undecoded", *indices: Array) -> list[Array]:
    """Return the examples of x at each of these index arrays."""
    return x.take(*indices) if isinstance(x, Undecoded) else [x[index] for index in indices]


X = TypeVar("X", bound=Array | Undecoded, covariant=True)


@dataclass(frozen=True, eq=False)
class Arrays(Generic[X]):
    """Arrays of a data set as published: neither split for validation nor normalized.

    Attributes:
        train_x: uint8 or float32, N×C×H×W or N×F; in memory, or not yet decoded.
        train_y: int64 class labels (N), or float32 targets (N×K).
        test_x: as `train_x`.
        test_y: as `train_y`.
        task: classification or regression.
        classes: number of classes; None for regression.
        outputs: number of outputs of a network (the classes, or K).
        class_names: names of the classes in label order; empty for regression.
        val_x: published validation set; None if validation is drawn from the training set.
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
        """Return (x, y) of the training and test set, and of the validation set if there is one."""
        parts = {"training": (self.train_x, self.train_y), "test": (self.test_x, self.test_y)}
        if self.val_x is not None and self.val_y is not None:
            parts["validation"] = (self.val_x, self.val_y)
        return parts

    def check(self, name: str) -> None:
        """Raise `BadInput` if examples and labels do not match (the message begins with `name`)."""
        for part, (x, y) in self.parts().items():
            if len(x) == 0:
                raise BadInput(f"{name}: the {part} set is empty: check the files under data.root")
            if len(x) != len(y):
                raise BadInput(f"{name}: {len(x)} {part} examples but {len(y)} labels: their files do not match")
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
    """Base class of data sets.

    Options are keyword-only arguments of the constructor; their defaults are in conf/data/<name>.yaml. The module of a
    data set must not import torch.
    """

    name: ClassVar[str]

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the content, independent of the files' location; part of a run's identity.

        Raises:
            BadInput: files are missing or wrong.
        """

    def notes(self) -> list[str]:
        """Return lines for the user on what is read and what is ignored; decodes nothing.

        Raises:
            BadInput: files are missing or wrong.
        """
        return []

    @abstractmethod
    def _load(self, progress: Progress, /) -> Arrays[Array | Undecoded]:
        """Return the arrays, not yet checked."""

    def arrays(self, progress: Progress = silent) -> Arrays[Array | Undecoded]:
        """Return the data set. Examples that are slow to decode are `Undecoded`; `split` decodes those that are used.

        Args:
            progress: called with a line every few seconds during slow work, here or in `split`.

        Raises:
            BadInput: files are missing or wrong.
        """
        arrays = self._load(progress)
        arrays.check(self.name)
        return arrays
