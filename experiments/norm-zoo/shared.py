"""Which elements share statistics, measured: one element is moved, and what else comes out changed shares with it."""

from math import prod

import torch
from specimen import Specimen, normal, passed
from torch import Tensor

from bnlab.errors import Refused

ACTIVATION, WEIGHT = "NCHW", ("O", "I", "K", "K")
DRAWS = 24  # a norm that cuts off what is negative hides half of the changes at each draw


def reached(specimen: Specimen, size: tuple[int, ...], *, training: bool = True) -> Tensor:
    """Which elements of the output the marked element reaches, (*size), itself included.

    The marked one has the first index along N and H and the last along C and W (or O, K; I, K), which is the corner
    of the picture's cube that faces the reader.

    Raises:
        Refused: the norm cannot stand on that size.
    """
    norm = specimen.build(size)
    found = torch.zeros(size, dtype=torch.bool)
    for draw in range(DRAWS):
        x = normal(size, seed=draw)
        moved = x.clone()
        moved[marked(size)] += 3.0 * (-1) ** draw
        found |= (passed(norm, moved, training=training) - passed(norm, x, training=training)).abs() > 1e-9
    found[marked(size)] = True
    return found


def marked(size: tuple[int, ...]) -> tuple[int, ...]:
    """Index of the marked element."""
    return (0, size[1] - 1, *([0, size[3] - 1] if len(size) == 4 else []))


def extents(found: Tensor) -> tuple[int, ...]:
    """How many indices along each axis are reached; what is reached must be a box."""
    sizes = tuple(int(found.movedim(axis, 0).flatten(1).any(1).sum()) for axis in range(found.ndim))
    assert prod(sizes) == int(found.sum()), f"not a box: {sizes}, {int(found.sum())} elements"
    return sizes


def words(found: Tensor, letters: str | tuple[str, ...]) -> str:
    """The axes that statistics go over: `N H W`, or `C/4 H W` for a quarter of the channels; `–` for none."""
    parts = []
    for letter, whole, part in zip(letters, found.shape, extents(found), strict=False):
        if whole > 1 and part == whole:
            parts.append(letter)
        elif part > 1:
            parts.append(f"{letter}/{whole // part}")
    return " ".join(dict.fromkeys(parts)) or "–"


def axes(specimen: Specimen, size: tuple[int, ...], *, training: bool = True) -> str:
    """The axes in words, or `refused`."""
    try:
        return words(reached(specimen, size, training=training), WEIGHT if specimen.of_weights else ACTIVATION)
    except Refused:
        return "refused"
