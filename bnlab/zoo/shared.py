"""Which elements share statistics, measured: one element is moved, and every output that changes shares with it."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from bnlab.errors import Refused
from bnlab.zoo.passing import normal, passed
from bnlab.zoo.specimen import Specimen

ACTIVATION, WEIGHT = ("N", "C", "H", "W"), ("O", "I", "K", "K")
REFUSED = "refused"
_DRAWS = 24  # a norm that cuts off negative values hides half of the changes in each draw
_STEP = 3.0  # how far the element is moved, in standard deviations
_LEAST = 1e-9  # smallest difference that is no rounding


def reached(specimen: Specimen, size: tuple[int, ...], *, training: bool = True) -> Tensor:
    """Return which elements of the output depend on the marked element, (*size), bool; the marked one included.

    Raises:
        Refused: the norm is not possible for this size.
    """
    norm = specimen.build(size)
    found = torch.zeros(size, dtype=torch.bool)
    for draw in range(_DRAWS):
        x = normal(size, seed=draw)
        moved = x.clone()
        moved[marked(size)] += _STEP * (-1) ** draw
        found |= (passed(norm, moved, training=training) - passed(norm, x, training=training)).abs() > _LEAST
    found[marked(size)] = True
    return found


def marked(size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of the marked element: first along N and H (or O and K), last along C and W (or I and K).

    That is the corner nearest to the reader in the pictures.
    """
    return (0, size[1] - 1, *([0, size[3] - 1] if len(size) == 4 else []))


def extents(found: Tensor) -> tuple[int, ...]:
    """Return how many indices along each axis are reached."""
    return tuple(int(found.movedim(axis, 0).flatten(1).any(1).sum()) for axis in range(found.ndim))


def words(found: Tensor, letters: Sequence[str]) -> str:
    """Return the axes that statistics reduce over.

    `N H W`: all indices of these axes; `C/4`: a quarter of the channels; `3 of C`: another part; `–`: one element.
    `(not a box)` follows if not every combination of the indices is reached.
    """
    parts = []
    sizes = extents(found)
    for letter, whole, part in zip(letters, found.shape, sizes, strict=False):
        if whole > 1 and part == whole:
            parts.append(letter)
        elif part > 1:
            parts.append(f"{letter}/{whole // part}" if whole % part == 0 else f"{part} of {letter}")
    if prod(sizes) != int(found.sum()):
        parts.append("(not a box)")
    return " ".join(dict.fromkeys(parts)) or "–"


def axes(specimen: Specimen, size: tuple[int, ...], *, training: bool = True) -> str:
    """Return the axes in words, or `refused`."""
    try:
        return words(reached(specimen, size, training=training), WEIGHT if specimen.of_weights else ACTIVATION)
    except Refused:
        return REFUSED
